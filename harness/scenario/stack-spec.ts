// What a user writes about a stack, as plain data: services, links, config files, and what is expected of the watchdog. Nothing here
// runs anything. Paths are relative to the checkout (the working directory of the command) unless absolute.
//
// In `command` and `env` these placeholders are replaced when the stack comes up:
//   {port:<service>}  the port that the service itself listens on      {link:<link>}  host:port of the proxy of that link
//   {dir}             the service's own folder in the run folder         {config:<file>} absolute path of that config file
//   {dir:<service>}   another service's folder                           {log:<service>} its log file
//   {volume}          the service's own volume, see VolumeSpec           {token} a random secret of the run, one for all
//   {start:<server>}  an executable that becomes that postgres or redis, as Kiln starts it: for a watchdog that brings it back

import type { Size } from "../support/bytes.ts";
import type { Json } from "../support/json.ts";
import type { OperationsSpec } from "./operations-spec.ts";

/** What a stack can offer to faults. Which it has is derived from its description (see `capabilitiesOf`). */
export type Capability =
  | "proxy"
  | "process"
  | "agent"
  | "config-file"
  | "config-lock"
  | "control"
  | "container"
  | "store"
  | "postgres"
  | "redis"
  | "volume"
  | MachineCapability;

/** What every process could be given, if the machine's kernel and rights carry it. */
export type MachineCapability = "cpu-quota" | "memory-limit" | "netem";

/** What this machine cannot carry, each with the reason in words; "volume" is here too: it needs the right to mount. */
export type MachineLimits = Readonly<Partial<Record<MachineCapability | "volume", string>>>;

/** A file system of limited size for a service's own files, so that it can be filled without filling anybody else's disk. */
export interface VolumeSpec {
  /** "1MiB" to "1GiB". It lies in memory (tmpfs) and holds as much of that as is written to it. */
  readonly size: Size;
}

export interface ProgramService {
  readonly kind: "program";
  readonly name: string;
  /** argv; "node" as the first word means the Node that runs Kiln. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** GET this path on the service's own port: ready when it answers 2xx. */
  readonly readyPath: string;
  /** Another service starts and supervises this one (a watchdog); Kiln then never starts it itself. */
  readonly startedBy?: string;
  /** With `startedBy`: it runs at times only, such as a second slot; not awaited at the start, and nothing is owed while it does not run. */
  readonly standby?: boolean;
  /** A Node program that may be preloaded with Kiln's agent, named by the end of its main script's path. */
  readonly agentMain?: string;
  /** Path of a control endpoint: PUT {errorRate, seed, forMs, delayMs, delayRate}, GET, DELETE (see docs/stacks.md). */
  readonly controlPath?: string;
  /** A request that those errors would fail: what Kiln sends through the service's link to see their share from outside. */
  readonly controlProbe?: { readonly method: "GET" | "POST"; readonly path: string; readonly body?: Json };
  /** Path that answers Prometheus metrics; sampled each 5 s. */
  readonly metricsPath?: string;
  /** A folder of limited size; `{volume}` is its path. */
  readonly volume?: VolumeSpec;
}

/** A real PostgreSQL (15 or newer) of the run's own, trust authentication on loopback; the user owns the database and is no superuser. */
export interface PostgresService {
  readonly kind: "postgres";
  readonly name: string;
  readonly user: string;
  readonly database: string;
  /** Where its data lies; an empty PostgreSQL needs some 60 MiB. */
  readonly volume?: VolumeSpec;
}

/** A real Redis (7 or newer) of the run's own, append-only file on. */
export interface RedisService {
  readonly kind: "redis";
  readonly name: string;
  /** `maxmemory`, such as "256mb"; the eviction policy is allkeys-lru. */
  readonly maxMemory?: string;
  /** Where its data lies. */
  readonly volume?: VolumeSpec;
}

export type ServiceSpec = ProgramService | PostgresService | RedisService;

export interface LinkSpec {
  readonly name: string;
  /** "load" is the load generator; anything else names a service. */
  readonly from: string;
  readonly to: string;
  /** Without it essential requests fail: the time that it is down counts against the availability budget. Default false. */
  readonly essential?: boolean;
}

export interface ConfigFileSpec {
  readonly name: string;
  /** The service that owns the file. */
  readonly service: string;
  /** File name inside the service's folder in the run folder. */
  readonly file: string;
  /** Name of the lock file beside it that writers hold (see docs/stacks.md); absent where writers are not kept apart like that. */
  readonly lockFile?: string;
  /** GET path on the owner that answers what is in force: {version, checksum, values}; checksum is the SHA-256 of values as canonical JSON. */
  readonly readPath: string;
}

export interface WatchdogSpec {
  readonly service: string;
  readonly supervises: string;
  /** NDJSON event log inside the watchdog's folder; its format stands in docs/stacks.md. */
  readonly eventsFile: string;
  /** An unresponsive service must be acted on within this time, milliseconds. */
  readonly unresponsiveMs: number;
  /** A dead process must be acted on within this time, milliseconds. */
  readonly processGoneMs: number;
  /** Backoff between hard recoveries: cap in milliseconds. */
  readonly backoffCapMs: number;
  /** From a fault that costs a restart until the watchdog counts attempts from one again; default of `chaos.restartSpacing`. */
  readonly resetMs?: number;
}

export interface StackSpec {
  readonly name: string;
  readonly driver: "processes";
  readonly services: readonly ServiceSpec[];
  readonly links: readonly LinkSpec[];
  readonly watchdog?: WatchdogSpec;
  readonly configFiles?: readonly ConfigFileSpec[];
  /** What drills may carry out. */
  readonly operations?: OperationsSpec;
}

/** The servers that a program was told how to start: those that `{start:…}` names in its command and environment. */
export function serversStartedBy({ command, env = {} }: ProgramService): string[] {
  const texts = [...command, ...Object.values(env)];
  return texts.flatMap((text) => [...text.matchAll(/\{start:([^{}]*)\}/g)].map(([, server = ""]) => server));
}

/** The programs that start parts of the stack by themselves, and so have to be ended before all others. */
export function startersIn({ services }: StackSpec): Set<string> {
  return new Set(
    services.flatMap((service) => {
      if (service.kind !== "program") return [];
      const starts = serversStartedBy(service).length > 0 ? [service.name] : [];
      return service.startedBy === undefined ? starts : [service.startedBy, ...starts];
    }),
  );
}

/** It is there at times only, and nothing is owed while it is not. */
export function isStandby(service: ServiceSpec): boolean {
  return service.kind === "program" && service.standby === true;
}

/** The link through which load enters. The schema makes sure that there is exactly one. */
export function loadLink(stack: StackSpec): LinkSpec {
  const link = stack.links.find((candidate) => candidate.from === "load");
  if (link === undefined) throw new TypeError("a parsed stack has a link from load");
  return link;
}
