import { expect, test } from "vitest";
import { makePlan } from "./make-plan.ts";
import { renderPlan } from "./render-plan.ts";
import { exampleFaults } from "./testing/example-faults.ts";
import { corrupt, crash, exampleScenario, leak, slow } from "./testing/example-scenario.ts";

const scenario = exampleScenario({
  description: "For this test.",
  load: {
    script: "load/x.ts",
    steadyRps: 65,
    spike: { rps: 175, every: "6h", for: "5m", firstAt: "1h" },
    maxUsers: 200,
  },
  chaos: {
    planned: [
      slow({ at: "10m", hold: "1m", options: { link: "postgres", delayMs: 250 } }),
      crash({ at: "2h" }),
      corrupt({ at: "3h" }),
      leak({ at: "4h", options: { service: "worker" }, ifMissing: "skip" }),
    ],
  },
});
const plan = makePlan(scenario, "7", exampleFaults);

test("a plan as text", () => {
  const idle = (count: number): string => "·".repeat(count);
  expect(renderPlan(plan).replace(plan.hash, "<hash>")).toBe(`Plan of example, seed 7
For this test.

hash       <hash>
duration   6h of load after a preflight of 30s; the first 1m are warm-up and not judged
stack      example: postgres, api, worker
budget     faults may cost 3.0 s of the 216.0 s that 99 % of 6h allows (1 x crash: 3.0 s)

Load: 1,437,000 requests in 37 segments, x.ts, time-out 2s
  kind    rate   from      to        segments   requests  users
  steady  65/s   00:00:00  01:00:00         6    234,000  163
  spike   175/s  01:00:00  01:05:00         1     52,500  200 (needs 438)
  steady  65/s   01:05:00  06:00:00        30  1,150,500  163

Faults: 4 in 0 windows
  start         window  fault        target          options      hold  may cost  expected of the watchdog
  00:10:00.000       -  f01-slow     link:postgres   delayMs 250    1m         -  nothing, at most soft
  02:00:00.000       -  f02-crash    service:api                     -     3.0 s  hard recovery of api within 2.0 s
  03:00:00.000       -  f03-corrupt  config:api                      -         -  nothing, at most soft
  04:00:00.000       -  f04-leak     service:worker                30s         -  skipped: the stack has no agent

Timeline: a column is 3m45s
  spikes          ${idle(16)}^^${idle(78)}
  windows         ${idle(96)}
  config:api      ${idle(48)}#${idle(47)}
  link:postgres   ${idle(2)}#${idle(93)}
  service:api     ${idle(32)}#${idle(63)}
  service:worker  ${idle(96)}
`);
});

test("without faults there is no picture, and without an objective the budget says so", () => {
  const text = renderPlan(makePlan(exampleScenario({ chaos: {}, objectives: {} }), "1", exampleFaults));
  expect(text).toContain(
    "budget     faults may cost 0.0 s; the scenario sets no availability to hold that against\n",
  );
  expect(text.endsWith("\n\nFaults: none\n")).toBe(true);
});
