// Evidence in memory for tests of the judge: a healthy, complete run of a plan, with troubles planted in it.
import type { EventOf, JournalEvent, JournalType, SegmentAccounts } from "../../journal/events.ts";
import type { Evidence, Sample } from "../../journal/evidence.ts";
import type { Plan } from "../../plan/plan.ts";
import { buildLoad, type Load, type Trouble } from "./load-builder.ts";
import { configReading, gatewayIdentity, type TimedBody } from "./stories.ts";

export interface Script {
  readonly troubles?: readonly Trouble[];
  /** Besides those of a healthy run. */
  readonly events?: readonly TimedBody[];
  /** Types of healthy events to leave out. */
  readonly without?: readonly JournalType[];
  readonly accounts?: Partial<SegmentAccounts>;
  /** Evidence stops here and the run did not end, unless `ended` says how. */
  readonly endMs?: number;
  readonly ended?: "completed" | "interrupted" | "stopped" | null;
  readonly unreadableLines?: number;
  readonly loadStarted?: boolean;
  /** Changes a healthy series; undefined drops the sample. */
  readonly sample?: (name: string, atMs: number, value: number) => number | undefined;
}

export function buildEvidence(plan: Plan, script: Script = {}): Evidence {
  const endMs = script.endMs ?? plan.durationMs + 1_000;
  const load =
    script.loadStarted === false ? { cells: [], seconds: [] } : buildLoad(plan, script.troubles ?? [], endMs);
  const events = buildEvents(plan, script, load, endMs);
  const series = buildSeries(plan, script, endMs);
  const ended = events.find((event): event is EventOf<"run-ended"> => event.type === "run-ended") ?? null;
  const within = (ms: number, fromMs = -Infinity, toMs = Infinity): boolean => ms >= fromMs && ms < toMs;
  return {
    header:
      events.find((event): event is EventOf<"run-started"> => event.type === "run-started") ??
      fail("no header"),
    loadStarted: script.loadStarted ?? true,
    endMs,
    ended,
    unreadableLines: script.unreadableLines ?? 0,
    events: () => events,
    eventsOf: <T extends JournalType>(type: T) =>
      events.filter((event) => event.type === type) as EventOf<T>[],
    cells: (fromMs, toMs) => load.cells.filter(({ second }) => within(second * 1_000, fromMs, toMs)),
    seconds: (fromMs, toMs) => load.seconds.filter(({ second }) => within(second * 1_000, fromMs, toMs)),
    series: () => [...series.keys()].map((name, id) => ({ id, name, unit: "count" })),
    samples: (name, fromMs, toMs) =>
      (series.get(name) ?? []).filter(({ atMs }) => within(atMs, fromMs, toMs)),
  };
}

function fail(text: string): never {
  throw new Error(text);
}

function accountsOf(
  plan: Plan,
  index: number,
  load: Load,
  changes: Partial<SegmentAccounts>,
): SegmentAccounts {
  const segment = plan.load.segments.find((each) => each.index === index) ?? fail("no segment");
  const own = load.seconds.filter((second) => second.segment === index);
  const numbers = new Set(own.map(({ second }) => second));
  const completed = load.cells
    .filter(({ second }) => numbers.has(second))
    .reduce((sum, { count }) => sum + count, 0);
  const dropped = own.reduce((sum, second) => sum + second.dropped, 0);
  const { starts: planned, users, usersNeeded } = segment;
  const unaccounted = planned - completed - dropped;
  return {
    index,
    planned,
    started: completed,
    completed,
    dropped,
    interrupted: 0,
    unaccounted,
    users,
    usersNeeded,
    exitCode: 0,
    cpuMs: 1,
    peakRssBytes: 1,
    ...changes,
  };
}

function buildEvents(plan: Plan, script: Script, load: Load, endMs: number): JournalEvent[] {
  const ended = script.ended === undefined ? (script.endMs === undefined ? "completed" : null) : script.ended;
  const healthy: TimedBody[] = [
    {
      atMs: -20_000,
      type: "run-started",
      runId: "r",
      scenario: plan.scenario,
      seed: plan.seed,
      planHash: plan.hash,
      wallStart: "2026-01-01T00:00:00.000Z",
      monotonicZeroMs: 0,
      bootId: "b",
      tools: {},
      machine: { cores: 2 },
      commandLine: [],
    },
    {
      atMs: -15_000,
      type: "process",
      service: "gateway",
      change: "appeared",
      identity: gatewayIdentity,
      startedAtMs: -15_000,
    },
    {
      atMs: -15_000,
      type: "process",
      service: "watchdog",
      change: "appeared",
      identity: { ...gatewayIdentity, pid: 50 },
      startedAtMs: -16_000,
    },
    {
      atMs: -15_000,
      type: "watchdog",
      wallTime: "2026-01-01T00:00:05.000Z",
      line: { event: "started", target: "gateway" },
    },
    configReading(-2_000),
    {
      atMs: -1_000,
      type: "preflight",
      checks: [{ name: "cpu", ok: true, measured: 0.1, limit: 0.5, unit: "ratio", text: "quiet" }],
    },
    ...(script.loadStarted === false ? [] : [{ atMs: 0, type: "load-started", zeroAtMs: 20_000 } as const]),
    ...plan.load.segments
      .filter((segment) => segment.endMs <= endMs)
      .map((segment): TimedBody => ({
        atMs: segment.endMs,
        type: "segment-ended",
        ...accountsOf(plan, segment.index, load, script.accounts ?? {}),
      })),
  ];
  const kept = healthy.filter(({ type }) => script.without?.includes(type) !== true);
  const last: TimedBody[] = ended === null ? [] : [{ atMs: endMs, type: "run-ended", outcome: ended }];
  const all = [...kept, ...(script.events ?? []), ...last].filter(({ atMs }) => atMs <= endMs);
  return all.toSorted((a, b) => a.atMs - b.atMs).map((body, seq) => ({ seq, ...body }));
}

function buildSeries(plan: Plan, script: Script, endMs: number): Map<string, Sample[]> {
  const every = new Map<string, [periodMs: number, value: number]>([
    ["system.cpu", [1_000, 0.2]],
    ["system.steal", [1_000, 0]],
    ["system.foreign-cpu", [1_000, 0.02]],
    ["harness.cpu", [1_000, 0.05]],
    ["harness.event-loop-delay-max", [1_000, 22]],
    ["app.gateway.nodejs_heap_size_used_bytes", [5_000, 50e6]],
  ]);
  for (const { name } of plan.stack.services)
    every.set(`process.${name}.rss`, [1_000, 100e6]).set(`process.${name}.cpu`, [1_000, 0.1]);
  for (const { name } of plan.stack.configFiles ?? []) every.set(`config.${name}.read`, [500, 1]);
  const change = script.sample ?? ((_name, _atMs, value) => value);
  return new Map(
    [...every].map(([name, [periodMs, value]]) => {
      const samples: Sample[] = [];
      for (let atMs = 0; atMs <= endMs; atMs += periodMs) {
        const changed = change(name, atMs, value);
        if (changed !== undefined) samples.push({ atMs, value: changed });
      }
      return [name, samples];
    }),
  );
}
