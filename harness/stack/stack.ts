// The contract between the engine and a stack, whatever carries it (processes, later containers). `StackHandle` is what faults and
// probes may touch; it can be rebuilt from the run folder by a process that did not start the stack. `LiveStack` adds its life.
import type { LinkSpec, StackSpec } from "../scenario/stack-spec.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";
import type { Json } from "../support/json.ts";

export interface Toxic {
  /** Unique on its proxy; faults use their id. */
  readonly name: string;
  readonly type: "latency" | "bandwidth" | "slow_close" | "timeout" | "reset_peer" | "slicer" | "limit_data";
  readonly stream: "upstream" | "downstream";
  readonly attributes: Readonly<Record<string, number>>;
}

/** A link's proxy. Every call has a deadline; a control plane that does not answer is an environment error. */
export interface LinkProxy {
  readonly link: LinkSpec;
  /** Where clients of the link connect. */
  readonly host: string;
  readonly port: number;
  addToxic(toxic: Toxic): Promise<void>;
  /** Absent counts as removed. */
  removeToxic(name: string): Promise<void>;
  setEnabled(enabled: boolean): Promise<void>;
  /** What Toxiproxy itself says is in force: for residue checks, never for confirm. */
  state(): Promise<{ readonly enabled: boolean; readonly toxics: readonly string[] }>;
  /**
   * One exchange through the proxy on a new connection, in the protocol of the link's target (PostgreSQL: SSLRequest, Redis: PING,
   * HTTP: GET of the ready path): milliseconds from request to the first byte of the answer, after the connection stands.
   * Rejects when it fails or exceeds the signal.
   */
  exchange(signal: AbortSignal): Promise<number>;
  /** Like `exchange`, around the proxy: the same target asked directly, for the difference. */
  exchangeDirect(signal: AbortSignal): Promise<number>;
}

export interface ServiceProcess {
  /** The process that serves now, found from outside (the listener of its port among the run's members), or undefined. */
  find(): ProcessIdentity | undefined;
  signal(identity: ProcessIdentity, signal: NodeJS.Signals): boolean;
}

/** Calls Kiln's agent inside a service over its private socket; rejects when there is none or it does not answer in time. */
export interface AgentLink {
  call(command: string, params: Json, signal: AbortSignal): Promise<Json>;
}

/** A service's own control endpoint for planned misbehaviour. */
export interface ControlLink {
  set(settings: Json, signal: AbortSignal): Promise<void>;
  get(signal: AbortSignal): Promise<Json>;
  clear(signal: AbortSignal): Promise<void>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface StackHandle {
  readonly spec: StackSpec;
  proxy(link: string): LinkProxy;
  process(service: string): ServiceProcess;
  agent(service: string): AgentLink;
  control(service: string): ControlLink;
  /** Absolute path of a config file. */
  configFile(name: string): string;
  /** One HTTP request to the service's own port (not through a proxy), unless `link` names the proxy to go through. */
  http(
    service: string,
    path: string,
    options: {
      readonly signal: AbortSignal;
      readonly method?: string;
      readonly body?: Json;
      readonly link?: string;
    },
  ): Promise<HttpAnswer>;
  /** A free folder of the run for copies that heal may need. */
  readonly scratchDir: string;
}

/** All that a new process needs to rebuild the handle: ports, pids, paths, the agent's token. Written 0600 into the run folder. */
export interface StackRecord {
  readonly v: 1;
  readonly runId: string;
  readonly runDir: string;
  readonly spec: StackSpec;
  readonly toxiproxyPort: number;
  readonly servicePorts: Readonly<Record<string, number>>;
  readonly linkPorts: Readonly<Record<string, number>>;
  readonly agentToken: string;
}

export interface LiveStack {
  readonly handle: StackHandle;
  /** Where load enters: "http://127.0.0.1:<port>" of the proxy of the load link. */
  readonly targetUrl: string;
  /** Ends a service's process if need be and starts it again, as an operator would; for `rescued` and a killed watchdog. */
  restart(service: string): Promise<void>;
  /** Ends everything of the run, watchdogs first, and proves it by scanning until two scans are empty. Idempotent. */
  down(): Promise<void>;
}
