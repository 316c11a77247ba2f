// One entry for each kind of fault that a crash may leave behind, on the mini-stack, as mild as its options allow.
import type { Json } from "../../support/json.ts";

export interface CrashKind {
  readonly fault: string;
  readonly options: Readonly<Record<string, Json>>;
  /** It writes something for heal into the ledger, so its inject passes the points around that. */
  readonly remembers: boolean;
  readonly postgres?: true;
  /** Its look needs a service that is at work. */
  readonly busy?: true;
  /** The harm is inside a process of the stack and must end there by its own deadline when nobody is left to heal it. */
  readonly inside?: true;
}

export const crashKinds: readonly CrashKind[] = [
  { fault: "latency", options: { link: "cache", delayMs: 50 }, remembers: false },
  { fault: "link-down", options: { link: "cache" }, remembers: false },
  { fault: "jitter", options: { link: "cache", delayMs: 40, jitterMs: 20, seed: 1 }, remembers: false },
  { fault: "bandwidth", options: { link: "cache", kibPerSecond: 256 }, remembers: false },
  { fault: "slicing", options: { link: "cache", sliceBytes: 256, gapMs: 5 }, remembers: false },
  { fault: "reset", options: { link: "cache", afterMs: 50 }, remembers: false },
  { fault: "timeout", options: { link: "cache", afterMs: 200 }, remembers: false },
  { fault: "data-limit", options: { link: "cache", bytes: 64 }, remembers: false },
  { fault: "partition", options: { link: "cache", direction: "both" }, remembers: false },
  { fault: "upstream-errors", options: { service: "alpha", rate: 1 }, remembers: false, inside: true },
  { fault: "upstream-slow", options: { service: "alpha", delayMs: 50 }, remembers: true, inside: true },
  { fault: "memory-leak", options: { service: "alpha", ratePerMin: "64MiB" }, remembers: true, inside: true },
  { fault: "cpu-burn", options: { service: "alpha", share: 0.3 }, remembers: true, inside: true },
  { fault: "event-loop-block", options: { service: "alpha" }, remembers: true, inside: true },
  {
    fault: "descriptor-leak",
    options: { service: "alpha", perSecond: 20, most: 50 },
    remembers: true,
    inside: true,
  },
  {
    fault: "connection-leak",
    options: { service: "alpha", link: "cache", perSecond: 10, most: 20 },
    remembers: true,
    inside: true,
  },
  { fault: "clock-shift", options: { service: "alpha", byMs: 60_000 }, remembers: true, inside: true },
  { fault: "cpu-quota", options: { service: "alpha", cores: 0.05 }, remembers: true, busy: true },
  { fault: "memory-limit", options: { service: "alpha", headroom: "64MiB" }, remembers: true },
  { fault: "disk-full", options: { service: "alpha", leave: "0B" }, remembers: false },
  { fault: "config-corruption", options: { file: "alpha", variant: "truncated" }, remembers: true },
  { fault: "config-corruption", options: { file: "alpha", variant: "unreadable" }, remembers: true },
  { fault: "config-drift", options: { file: "alpha", key: "cacheSeconds", value: 99 }, remembers: true },
  { fault: "config-lock", options: { file: "alpha", key: "cacheSeconds", value: 99 }, remembers: true },
  { fault: "kill", options: { service: "alpha" }, remembers: true },
  { fault: "pause", options: { service: "alpha" }, remembers: true },
  { fault: "keep-down", options: { service: "cache" }, remembers: true },
  { fault: "out-of-connections", options: { service: "cache" }, remembers: true },
  { fault: "redis-memory", options: { service: "cache" }, remembers: true },
  { fault: "postgres-crash", options: { service: "store" }, remembers: true, postgres: true },
];
