// Load of a healthy run in memory, with troubles planted in it.
import type { LoadCell, LoadSecond, Outcome } from "../../journal/evidence.ts";
import type { Plan } from "../../plan/plan.ts";
import { LatencySketch } from "../../support/latency-sketch.ts";

export interface Trouble {
  /** Requests that start in [fromMs, toMs) get this outcome; default "failed". */
  readonly fromMs: number;
  readonly toMs: number;
  readonly outcome?: Outcome;
  /** Default: as healthy ones. */
  readonly latencyMs?: number;
  /** Every n-th request is hit; default 1. */
  readonly every?: number;
  /** False: they belong to a route that is not essential. */
  readonly essential?: boolean;
  /** The starts are dropped instead of getting an outcome. */
  readonly dropped?: boolean;
  /** The starts leave no trace at all. */
  readonly vanished?: boolean;
  /** Start lateness, milliseconds. */
  readonly latenessMs?: number;
}

const healthyLatencyMs = 5;

export interface Load {
  readonly cells: LoadCell[];
  readonly seconds: LoadSecond[];
}

export function buildLoad(plan: Plan, troubles: readonly Trouble[], endMs: number): Load {
  const cells = new Map<string, LoadCell & { count: number }>();
  const seconds: LoadSecond[] = [];
  const lastMs = Math.min(plan.durationMs, endMs);
  for (let second = 0; second * 1_000 < lastMs; second++) {
    const own = emptySecond(plan, second);
    for (const atMs of startsIn(plan, second)) if (atMs < lastMs) addStart(troubles, atMs, own, cells);
    seconds.push(finish(own));
  }
  return { cells: [...cells.values()], seconds };
}

type OpenSecond = LoadSecond & { failures: number[]; rights: number[]; started: number; dropped: number };

function emptySecond(plan: Plan, second: number): OpenSecond {
  const segment = plan.load.segments.find(
    ({ startMs, endMs }) => second * 1_000 >= startMs && second * 1_000 < endMs,
  );
  const base = {
    second,
    rps: segment?.rps ?? 0,
    segment: segment?.index ?? 0,
    lateness: new LatencySketch(),
  };
  return {
    ...base,
    planned: startsIn(plan, second).length,
    started: 0,
    dropped: 0,
    firstFailureMs: null,
    lastFailureMs: null,
    okAfterFailureMs: null,
    failures: [],
    rights: [],
  };
}

/** The grid of the plan in one second. */
function startsIn(plan: Plan, second: number): number[] {
  const found: number[] = [];
  for (const { startMs, starts, rps } of plan.load.segments) {
    const first = Math.max(0, Math.ceil(((second * 1_000 - startMs) * rps) / 1_000 - 1e-6));
    for (let k = first; k < starts && startMs + (k * 1_000) / rps < (second + 1) * 1_000 - 1e-6; k++)
      found.push(startMs + (k * 1_000) / rps);
  }
  return found;
}

function addStart(
  troubles: readonly Trouble[],
  atMs: number,
  own: OpenSecond,
  cells: Map<string, LoadCell & { count: number }>,
): void {
  const number = Math.round(atMs / (1_000 / (own.rps || 1)));
  const trouble = troubles.find(
    ({ fromMs, toMs, every = 1 }) => atMs >= fromMs && atMs < toMs && number % every === 0,
  );
  if (trouble?.vanished === true) return;
  if (trouble?.dropped === true) {
    own.dropped++;
    return;
  }
  own.started++;
  own.lateness.record(trouble?.latenessMs ?? 0.2);
  const outcome =
    trouble === undefined ? "ok" : (trouble.outcome ?? (trouble.latenessMs === undefined ? "failed" : "ok"));
  const essential = trouble?.essential ?? true;
  const key = `${own.second} ${outcome} ${essential}`;
  const cell = cells.get(key) ?? {
    second: own.second,
    route: essential ? "create" : "list",
    priority: "normal",
    essential,
    outcome,
    count: 0,
    latency: new LatencySketch(),
  };
  cell.count++;
  cell.latency.record(trouble?.latencyMs ?? healthyLatencyMs);
  cells.set(key, cell);
  if (essential && outcome === "failed") own.failures.push(atMs);
  if (essential && (outcome === "ok" || outcome === "degraded")) own.rights.push(atMs);
}

function finish({ failures, rights, ...own }: OpenSecond): LoadSecond {
  if (failures.length === 0) return own;
  const lastFailureMs = Math.max(...failures);
  const after = rights.filter((atMs) => atMs > lastFailureMs);
  return {
    ...own,
    firstFailureMs: Math.min(...failures),
    lastFailureMs,
    okAfterFailureMs: after.length === 0 ? null : Math.min(...after),
  };
}
