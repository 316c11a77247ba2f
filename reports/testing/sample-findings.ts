// The findings of the made-up run.
import type { FaultRecord, Finding, Measure, Summary } from "../../harness/judge/verdict.ts";
import type { SampleOptions } from "./sample-plan.ts";

function about(
  id: string,
  title: string,
  measures: readonly Measure[],
  more: Partial<Finding> = {},
): Finding {
  return {
    id,
    checker: id.split("/")[0] ?? id,
    status: "pass",
    title,
    measures,
    evidence: { events: [], series: [] },
    about: "stack",
    ...more,
  };
}

function loadFinding(dropped: number): Finding {
  const measures = [
    { name: "dropped", value: dropped, unit: "count", limit: 0 },
    { name: "start lateness p99", value: 1.3, unit: "ms", limit: 5 },
  ];
  const evidence = { fromMs: 160_000, toMs: 170_000, events: [41, 42], series: [] };
  const short = `${dropped} planned requests were dropped while users were free: k6 could not keep up.`;
  const title = dropped > 0 ? short : "Every planned request was started and accounted for.";
  return about("evidence/load", title, measures, {
    status: dropped > 0 ? "inconclusive" : "pass",
    evidence,
    about: "harness",
  });
}

const calm: readonly Finding[] = [
  about(
    "availability/overall",
    "98.912 % of essential requests succeeded over the whole run, faults included.",
    [{ name: "availability", value: 0.98912, unit: "ratio", limit: 0.95 }],
    { evidence: { fromMs: 10_000, toMs: 180_000, events: [], series: [] } },
  ),
  about("availability/calm", "No essential request failed outside fault windows.", [
    { name: "availability in calm", value: 1, unit: "ratio", limit: 0.999 },
  ]),
  about(
    "latency/p95",
    "95 % of essential requests in calm took at most 6.1 ms.",
    [{ name: "p95 in calm", value: 6.1, unit: "ms", limit: 200 }],
    { evidence: { fromMs: 10_000, toMs: 180_000, events: [], series: [] } },
  ),
  about(
    "config-integrity/served",
    "No corrupted configuration was ever served; the last good version was back 1.4 s after f06.",
    [{ name: "corrupt reads served", value: 0, unit: "count", limit: 0 }],
    { evidence: { fromMs: 130_000, toMs: 134_000, events: [57], series: [] }, fault: "f06-config-corrupt" },
  ),
  about("watchdog/calm", "The watchdog did nothing outside faults, and stayed quiet in the load spike.", [
    { name: "needless actions", value: 0, unit: "count", limit: 0 },
  ]),
];

export function sampleFindings(
  faults: readonly FaultRecord[],
  summary: Summary,
  outcome: string,
  options: SampleOptions,
): Finding[] {
  if (options.load === false) {
    return [
      about("evidence/load", "No request was started.", [], {
        status: "inconclusive",
        evidence: { events: [1], series: [] },
        about: "harness",
      }),
    ];
  }
  return [
    loadFinding(summary.dropped),
    ...calm,
    ...faults.slice(0, 7).flatMap((fault) => faultFindings(fault, outcome)),
  ];
}

function faultFindings(fault: FaultRecord, outcome: string): Finding[] {
  const { id, injected, recovered, recoveryMs } = fault;
  const base = {
    fault: id,
    about: "stack",
    evidence: {
      fromMs: injected?.atMs ?? 0,
      toMs: recovered?.atMs ?? fault.plannedMs + 15_000,
      events: [40, 43, 44],
      series: ["process.gateway.rss"],
    },
  } as const;
  if (fault.confirmed === "no") {
    const detail =
      "The upstream answered every one of 200 calls with success while 20 % should have failed. Everything that rests on this fault is not known.";
    return [
      {
        ...base,
        id: `evidence/${id}`,
        checker: "evidence",
        status: "inconclusive",
        title: `${id} was injected but never seen to bite.`,
        detail,
        measures: [{ name: "error rate", value: 0, unit: "ratio", limit: 0.2 }],
        about: "harness",
      },
    ];
  }
  const high = recoveryMs?.high ?? 0;
  const late = high > 15_000;
  const out: Finding[] = [
    {
      ...base,
      id: `recovery/${id}`,
      checker: "recovery",
      status: late ? "fail" : "pass",
      title: late
        ? `${id}: service was back only after more than 15 s, and by Kiln's rescue.`
        : `${id}: over within ${(high / 1_000).toFixed(1)} s.`,
      ...(late
        ? {
            detail:
              "First failure 00:02:20.2. The watchdog tried once, the new process exited at once with code 1 (address in use), and no second attempt followed.\nThe log of that moment: listen EADDRINUSE 127.0.0.1:8000",
          }
        : {}),
      measures: [{ name: "recovery time, upper bound", value: high, unit: "ms", limit: 15_000 }],
    },
  ];
  if (late && outcome === "fail")
    out.push({
      ...base,
      id: `watchdog/${id}`,
      checker: "watchdog",
      status: "fail",
      title: `${id}: the watchdog gave up after one attempt; a second one was due 2 s later.`,
      measures: [{ name: "attempts", value: 1, unit: "count", limit: 2 }],
    });
  return out;
}
