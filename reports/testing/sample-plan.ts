// A made-up plan for tests and design work: steady load with one spike, seven faults of all families in one chaos window.
import type { FaultStep, LoadSegment, Plan } from "../../harness/plan/plan.ts";

export interface SampleFault {
  readonly name: string;
  readonly target: string;
  readonly service: string;
  readonly kind: "momentary" | "held";
  readonly options: FaultStep["options"];
  /** Level that the watchdog uses. */
  readonly level: "none" | "soft" | "hard";
  /** Milliseconds after injection. */
  readonly effectiveMs: number;
  readonly detectedMs: number | null;
  readonly holdMs: number;
  /** Recovered this long after healed (held) or injected (momentary). */
  readonly recoverMs: number;
  /** Share of requests that fail while it bites. */
  readonly failShare: number;
  /** Factor on latency while it bites. */
  readonly slow: number;
  readonly saw: string;
  readonly magnitude: { readonly asked: number; readonly measured: number; readonly unit: string } | null;
}

export const sampleFaults: readonly SampleFault[] = [
  {
    name: "latency",
    target: "link:postgres",
    service: "postgres",
    kind: "held",
    options: { link: "postgres", delayMs: 250 },
    level: "none",
    effectiveMs: 310,
    detectedMs: null,
    holdMs: 10_000,
    recoverMs: 1_100,
    failShare: 0,
    slow: 42,
    saw: "SELECT 1 through the proxy took 262 ms, 0.6 ms before",
    magnitude: { asked: 250, measured: 261.4, unit: "ms" },
  },
  {
    name: "link-down",
    target: "link:redis",
    service: "redis",
    kind: "held",
    options: { link: "redis" },
    level: "soft",
    effectiveMs: 120,
    detectedMs: 2_200,
    holdMs: 8_000,
    recoverMs: 600,
    failShare: 0.02,
    slow: 1.6,
    saw: "connect to the proxy of redis was refused",
    magnitude: null,
  },
  {
    name: "upstream-errors",
    target: "service:upstream",
    service: "upstream",
    kind: "held",
    options: { service: "upstream", rate: 0.2 },
    level: "none",
    effectiveMs: 900,
    detectedMs: null,
    holdMs: 12_000,
    recoverMs: 1_000,
    failShare: 0.004,
    slow: 1.3,
    saw: "41 of 200 calls failed",
    magnitude: { asked: 0.2, measured: 0.205, unit: "ratio" },
  },
  {
    name: "memory-leak",
    target: "service:gateway",
    service: "gateway",
    kind: "held",
    options: { service: "gateway", ratePerMin: "240MiB" },
    level: "soft",
    effectiveMs: 2_100,
    detectedMs: 6_400,
    holdMs: 14_000,
    recoverMs: 900,
    failShare: 0,
    slow: 1.5,
    saw: "resident memory rose by 11.8 MiB in 3 s",
    magnitude: { asked: 240, measured: 236, unit: "MiB/min" },
  },
  {
    name: "cpu-burn",
    target: "service:gateway",
    service: "gateway",
    kind: "held",
    options: { service: "gateway", share: 0.8 },
    level: "none",
    effectiveMs: 1_000,
    detectedMs: null,
    holdMs: 10_000,
    recoverMs: 2_300,
    failShare: 0,
    slow: 6,
    saw: "the process used 0.93 of a core, 0.14 before",
    magnitude: { asked: 0.8, measured: 0.79, unit: "ratio" },
  },
  {
    name: "config-corrupt",
    target: "config:gateway",
    service: "gateway",
    kind: "momentary",
    options: { file: "gateway", how: "truncated" },
    level: "none",
    effectiveMs: 40,
    detectedMs: 510,
    holdMs: 0,
    recoverMs: 1_400,
    failShare: 0,
    slow: 1,
    saw: "the file's hash is that of the corrupted text",
    magnitude: null,
  },
  {
    name: "kill",
    target: "service:gateway",
    service: "gateway",
    kind: "momentary",
    options: { service: "gateway" },
    level: "hard",
    effectiveMs: 15,
    detectedMs: 480,
    holdMs: 0,
    recoverMs: 3_900,
    failShare: 1,
    slow: 1,
    saw: "pid 4711 is gone",
    magnitude: null,
  },
];

export interface SampleOptions {
  /** How the run ended. Default "pass". */
  readonly outcome?: "pass" | "fail" | "inconclusive";
  /** The whole sequence of faults is repeated in windows of three minutes each this often (long runs). Default: once. */
  readonly durationMs?: number;
  readonly faults?: boolean;
  readonly load?: boolean;
  /** The harness died here. */
  readonly endMs?: number;
  /** Makes names absurdly long. */
  readonly longNames?: boolean;
}

const cycleMs = 180_000;
const spikeRps = 175;
const steadyRps = 65;

function steps(options: SampleOptions, durationMs: number): FaultStep[] {
  if (options.faults === false) return [];
  const out: FaultStep[] = [];
  const everyMs = durationMs <= cycleMs ? cycleMs : 2 * 3_600_000;
  for (let windowMs = 0; windowMs + cycleMs <= durationMs; windowMs += everyMs) {
    let atMs = windowMs + 14_000;
    for (const fault of sampleFaults) {
      const id = `f${String(out.length + 1).padStart(2, "0")}-${fault.name}${options.longNames === true ? `-${"on-a-service-with-a-very-long-name".repeat(3)}` : ""}`;
      const healMs = atMs + fault.holdMs;
      const actWithinMs = fault.level === "none" ? null : 8_000;
      const expect = {
        recovery: { atLeast: fault.level, atMost: fault.level === "none" ? "soft" : "hard" },
        service: fault.service,
        actWithinMs,
        restarts: fault.name === "kill",
        unavailableMs: fault.name === "kill" ? 5_000 : 0,
      } as const;
      out.push({
        id,
        fault: fault.name,
        kind: fault.kind,
        target: fault.target,
        options: fault.options,
        startMs: atMs,
        healMs,
        settleUntilMs: healMs + 9_000,
        expect,
      });
      atMs = healMs + 10_500 + (fault.kind === "momentary" ? 6_000 : 0);
    }
  }
  return out;
}

function segment(index: number, kind: LoadSegment["kind"], startMs: number, endMs: number): LoadSegment {
  const rps = kind === "spike" ? spikeRps : steadyRps;
  const users = Math.ceil(1.25 * rps * 2);
  return {
    index,
    kind,
    startMs,
    endMs,
    rps,
    starts: ((endMs - startMs) * rps) / 1_000,
    usersNeeded: users,
    users,
  };
}

function segments(durationMs: number): LoadSegment[] {
  if (durationMs < cycleMs) return [segment(0, "steady", 0, durationMs)];
  const spikeAt = 160_000;
  const out = [segment(0, "steady", 0, spikeAt), segment(1, "spike", spikeAt, spikeAt + 10_000)];
  for (let at = spikeAt + 10_000; at < durationMs; at += 600_000)
    out.push(segment(out.length, "steady", at, Math.min(durationMs, at + 600_000)));
  return out;
}

export function samplePlan(options: SampleOptions = {}): Plan {
  const durationMs = options.durationMs ?? cycleMs;
  const faults = steps(options, durationMs);
  const first = faults[0];
  const last = faults.at(-1);
  return {
    v: 1,
    plannerVersion: 1,
    scenario: "smoke",
    description: "Every fault family once in three minutes, under steady load and one spike.",
    seed: "42",
    hash: "9f3c1b60d7a24e58b1f07c9d2a6e83450cbb7f1e94d2853a60f7c1d8e92b4a37",
    durationMs,
    preflightMs: 5_000,
    warmUpMs: 10_000,
    load: { script: "load/gateway.ts", timeoutMs: 2_000, segments: segments(durationMs) },
    windows:
      first === undefined || last === undefined
        ? []
        : durationMs > cycleMs
          ? faults
              .filter((_, index) => index % sampleFaults.length === 0)
              .map(({ startMs }) => ({ startMs: startMs - 2_000, endMs: startMs + 145_000 }))
          : [{ startMs: first.startMs - 2_000, endMs: last.settleUntilMs }],
    faults,
    budget: { allowedMs: durationMs * 0.05, plannedMs: 5_000 },
    objectives: {
      availability: 0.95,
      calmAvailability: 0.999,
      p95Ms: 200,
      recoveryMs: 15_000,
      configCorruptions: 0,
      completeMonitoring: true,
    },
    stopWhen: { unavailableForMs: 60_000 },
    stack: {
      name: "reference",
      driver: "processes",
      services: [
        {
          kind: "program",
          name: "gateway",
          command: ["node", "gateway/main.ts"],
          readyPath: "/health/ready",
        },
      ],
      links: [{ name: "gateway", from: "load", to: "gateway" }],
      watchdog: {
        service: "watchdog",
        supervises: "gateway",
        eventsFile: "events.ndjson",
        unresponsiveMs: 6_000,
        processGoneMs: 3_000,
        backoffCapMs: 20_000,
      },
    },
  };
}
