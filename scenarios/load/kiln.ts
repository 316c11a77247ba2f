// The k6 side of Kiln's load: options for one open-model scenario, and the measuring of one request an iteration. It runs inside k6
// (no Node, no npm packages); what it emits is fixed by harness/load/contract.ts. A load script imports it with its extension:
//
//   import { kilnOptions, measured } from "./kiln.ts";
//   export const options = kilnOptions();
//   export default function () { measured("read", "high", true, () => ...outcome...); }
//
// A script that throws leaves a start without an answer: it shows up as unaccounted load, never as a failure of the target.
import exec from "k6/execution";
import { Counter, Trend } from "k6/metrics";
import type { Options } from "k6/options";

/** As in the journal: see `outcomes` in harness/journal/evidence.ts. */
export type Outcome = "ok" | "degraded" | "shed" | "limited" | "failed";
export type Priority = "high" | "normal" | "low";

const starts = new Counter("kiln_start");
const requests = new Trend("kiln_request", true);
// Names travel in CSV as route=read&priority=high: nothing that would need quoting.
const plainName = /^[\w.:/-]+$/;

function setting(name: string): string {
  const value = __ENV[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set: this script is run by Kiln`);
  return value;
}

function numberSetting(name: string): number {
  const value = Number(setting(name));
  if (!Number.isFinite(value)) throw new Error(`${name} is not a number: ${setting(name)}`);
  return value;
}

/** Base URL of the target, without a slash at its end. */
export const target = setting("KILN_TARGET").replace(/\/+$/, "");
export const seed = setting("KILN_SEED");
export const segment = numberSetting("KILN_SEGMENT");
/** For `params.timeout` of every request, milliseconds. */
export const timeoutMs = numberSetting("KILN_TIMEOUT_MS");

const rps = numberSetting("KILN_RPS");
const durationMs = numberSetting("KILN_DURATION_MS");
/** Above 0 where this k6 goes on with a segment: what it draws and writes must be that of the iterations that are still to come. */
const firstIteration = Number(__ENV["KILN_FIRST_ITERATION"] ?? "0");
const plannedStarts = firstIteration + Math.round((durationMs * rps) / 1_000);
const overrunMs = 50;

/** One constant-arrival-rate scenario named "load", as the environment asks for. */
export function kilnOptions(): Options {
  const users = numberSetting("KILN_USERS");
  return {
    scenarios: {
      load: {
        executor: "constant-arrival-rate",
        // k6 takes whole rates only; this way 0.5 a second is one, too.
        rate: Math.round(rps * 1_000),
        timeUnit: "1000s",
        // On a busy machine k6 decides by chance whether a start that is due as the duration ends still happens. So it may run on a
        // little, and `measured` begins nothing after the last planned start.
        duration: `${durationMs + overrunMs}ms`,
        preAllocatedVUs: users,
        maxVUs: users,
        gracefulStop: `${timeoutMs + 1_000}ms`,
      },
    },
    // Every tag costs a column in each line of the stream, and nothing reads k6's own.
    systemTags: [],
    discardResponseBodies: true,
    maxRedirects: 0,
    setupTimeout: "5s",
    teardownTimeout: "5s",
  };
}

/** The running iteration's number in its segment, from 0. Dropped starts take no number. */
export function iteration(): number {
  return firstIteration + exec.scenario.iterationInTest;
}

/** Runs one exchange with the target and records its start, its length and how it came out. Call it first thing in the iteration. */
export function measured(
  route: string,
  priority: Priority,
  essential: boolean,
  exchange: () => Outcome,
): void {
  if (!plainName.test(route))
    throw new Error(`measured: a route is named with letters, digits and . : / - only, not ${route}`);
  const i = iteration();
  if (i >= plannedStarts) return;
  exec.vu.metrics.metadata["i"] = String(i);
  starts.add(1);
  // Date.now() has whole milliseconds only; this one counts nanoseconds.
  const fromMs = exec.instance.currentTestRunDuration;
  const outcome = exchange();
  const lengthMs = exec.instance.currentTestRunDuration - fromMs;
  requests.add(lengthMs, { route, priority, essential: essential ? "1" : "0", outcome });
}

/** FNV-1a over a text, 32 bits unsigned. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Finalizer of MurmurHash3: neighbouring inputs come out unrelated. */
function mixed(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

const segmentHash = mixed(hashOf(`${seed}/${segment}`));

/** A number in [0, 2^32) that is a function of seed, segment, iteration and purpose: the same run draws the same. */
export function drawn(iterationNumber: number, purpose: number): number {
  return mixed(segmentHash ^ mixed(Math.imul(iterationNumber, 0x9e3779b1) + purpose));
}
