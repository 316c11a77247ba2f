// The contract between the engine and a stack, whatever carries it (processes, later containers). `StackHandle` is what faults and
// probes may touch; it can be rebuilt from the run folder by a process that did not start the stack. `LiveStack` adds its life.
import type { TimedCommand } from "../scenario/operations-spec.ts";
import type { LinkSpec, StackSpec } from "../scenario/stack-spec.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";
import type { Json } from "../support/json.ts";
import type { ServiceCgroup } from "./service-cgroup.ts";
import type { ServiceVolume } from "./volumes.ts";

export interface Toxic {
  /** Unique on its proxy; faults use their id. */
  readonly name: string;
  readonly type: "latency" | "bandwidth" | "slow_close" | "timeout" | "reset_peer" | "slicer" | "limit_data";
  readonly stream: "upstream" | "downstream";
  readonly attributes: Readonly<Record<string, number>>;
}

export interface ToxicUpdate {
  /** What the toxic holds back stays held as before, and only later data is treated anew. Default: it is let go at once. */
  readonly keepHeld?: boolean;
}

export interface TalkRequest {
  /**
   * An answer of at least so many bytes (1: one ordinary answer, with the connection kept open after it), or "goodbye": something that the
   * server takes for the end of the talk, so that it closes the connection as soon as that reached it.
   */
  readonly ask: { readonly answerBytes: number } | "goodbye";
  /** How long it may take, counted from the attempt to connect. */
  readonly waitMs: number;
}

/** One talk with a link's target on a new connection, as its client saw it. */
export interface Talk {
  /**
   * complete: all that was asked for came. closed: the other side ended the connection in good order. reset: it broke the connection off.
   * refused: there was no connection. unfinished: none of these within the time.
   */
  readonly end: "complete" | "closed" | "reset" | "refused" | "unfinished";
  /** From the first request (the attempt to connect, where no connection stood) to the end. */
  readonly tookMs: number;
  readonly receivedBytes: number;
  /** Each read of the client, on the same scale as `tookMs`. */
  readonly arrivals: readonly { readonly atMs: number; readonly bytes: number }[];
}

/** A link's proxy. Every call has a deadline; a control plane that does not answer is an environment error. */
export interface LinkProxy {
  readonly link: LinkSpec;
  /** Where clients of the link connect. */
  readonly host: string;
  readonly port: number;
  addToxic(toxic: Toxic): Promise<void>;
  /** Changes the attributes of the toxic of that name, on open connections too; false when there is none. */
  updateToxic(toxic: Toxic, how?: ToxicUpdate): Promise<boolean>;
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
  /** A talk through the proxy, in the protocol of the link's target. Rejects only with the signal's reason and with what no link can do. */
  talk(request: TalkRequest, signal: AbortSignal): Promise<Talk>;
  /** Like `talk`, around the proxy. */
  talkDirect(request: TalkRequest, signal: AbortSignal): Promise<Talk>;
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

/** What goes into a statement as a parameter ($1, $2 …). */
export type SqlValue = string | number | boolean | null;
/** One row of an answer, by column name. */
export type SqlRow = Readonly<Record<string, unknown>>;
/** "operator" is the server's superuser, for whom it keeps some connections free; "user" is the account of the stack's own services. */
export type SqlAccount = "operator" | "user";

/** A connection of Kiln's own to a server of the stack. It ends with this process, and with the server. */
interface StoreSession {
  /** Resolves when the session is over: with why, unless it was `end` that ended it. */
  readonly ended: Promise<Error | undefined>;
  /** Also while something is asked, and when the server does not answer any more. */
  end(): Promise<void>;
}

export interface SqlSession extends StoreSession {
  /** Statements run one after the other. A signal that aborts ends the session. */
  query(text: string, params: readonly SqlValue[], signal: AbortSignal): Promise<readonly SqlRow[]>;
}

export type RedisReply = string | number | null | readonly RedisReply[];

export interface RedisSession extends StoreSession {
  /** A signal that aborts ends the session. */
  call(args: readonly [string, ...string[]], signal: AbortSignal): Promise<RedisReply>;
}

export interface OperationRequest {
  /** Of the step that it is run for; names its log, and all that it starts bears it. */
  readonly id: string;
  readonly command: TimedCommand;
  readonly env?: Readonly<Record<string, string>>;
  /** What the drill hands over: name -> text for `{name}`. */
  readonly values?: Readonly<Record<string, string>>;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

export interface OperationEnd {
  /** Null when a signal of somebody else ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it has written to its output, for people. */
  readonly said: string;
}

/** Runs commands of the stack's own operations. */
export interface OperationRunner {
  /**
   * To its end, whatever its exit code. Rejects with `operation-not-started`, and with `operation-ended` (both environment) when its time was
   * up or the signal aborted; nothing of it runs any more then.
   */
  run(request: OperationRequest): Promise<OperationEnd>;
  /** Ends everything that was run under that id, by whichever process. Rejects with `operation-left` (environment) where that fails. */
  endAll(id: string): Promise<void>;
}

export interface StackHandle {
  readonly spec: StackSpec;
  proxy(link: string): LinkProxy;
  process(service: string): ServiceProcess;
  agent(service: string): AgentLink;
  control(service: string): ControlLink;
  /** Absolute path of a config file. */
  configFile(name: string): string;
  /** Where the service itself listens (not through a proxy): "http://127.0.0.1:26431". */
  origin(service: string): string;
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
  /** One exchange with the service itself, around any proxy; as `LinkProxy.exchange`. */
  exchange(service: string, signal: AbortSignal): Promise<number>;
  /**
   * One statement on a PostgreSQL of the stack, as its operator, straight to the server (not through a proxy). A refusal by the server rejects
   * with code `sql-<SQLSTATE>`, such as `sql-53300`; no connection, or a lost one, with `store-unreachable` (both environment).
   */
  sql(
    service: string,
    text: string,
    params: readonly SqlValue[],
    signal: AbortSignal,
  ): Promise<readonly SqlRow[]>;
  /** A session that can be held; `name` is its application_name (at most 63 characters). Refused as `sql` is. */
  sqlSession(service: string, account: SqlAccount, name: string, signal: AbortSignal): Promise<SqlSession>;
  /**
   * One command to a Redis of the stack, straight to the server. An error reply rejects with code `redis-<its first word>`, such as
   * `redis-oom`; no connection with `store-unreachable` (both environment).
   */
  redis(service: string, args: readonly [string, ...string[]], signal: AbortSignal): Promise<RedisReply>;
  /** A session that can be held; `name` is its client name. Refused as `redis` is. */
  redisSession(service: string, name: string, signal: AbortSignal): Promise<RedisSession>;
  /** The service's processes in a control group of Kiln's own. */
  cgroup(service: string): ServiceCgroup;
  /** The file system of limited size that the service has for its own files. */
  volume(service: string): ServiceVolume;
  readonly operations: OperationRunner;
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
  /** `{token}`: what control calls between the stack's own programs bear. */
  readonly controlToken: string;
  /** Working directory of the command that brought the stack up: its commands are relative to it. */
  readonly cwd?: string;
}

export interface LiveStack {
  readonly handle: StackHandle;
  /** Where load enters: "http://127.0.0.1:<port>" of the proxy of the load link. */
  readonly targetUrl: string;
  /** Ends a service's process if need be and starts it again, as an operator would; for `rescued` and a killed watchdog. */
  restart(service: string): Promise<void>;
  /** Looks whether the proxies' control plane lives and replaces it when it does not; to be called once a second. Never rejects. */
  lookAtProxies(): Promise<void>;
  /** To be called when another process has healed every fault meanwhile: proxies that are replaced get none of them. */
  forgetHarm(): void;
  /** Ends everything of the run, watchdogs first, and proves it by scanning until two scans are empty. Idempotent. */
  down(): Promise<void>;
}
