import { expect, test } from "vitest";
import type { ChaosInput } from "../scenario/scenario.ts";
import { condensePlan } from "./condense.ts";
import { makePlan } from "./make-plan.ts";
import { renderPlan } from "./render-plan.ts";
import { exampleFaults } from "./testing/example-faults.ts";
import {
  cascade,
  corrupt,
  crash,
  exampleScenario,
  exampleStack,
  flapping,
  leak,
  slow,
} from "./testing/example-scenario.ts";

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
  04:00:00.000       -  f04-leak     service:worker                30s         -  skipped, see below

Not tested:
  skipped  f04-leak: the stack has no agent

Timeline: a column is 7m30s
                  0           |1h30m      |3h         |4h30m   6h|
  spikes          ${idle(8)}^${idle(39)}
  windows         ${idle(48)}
  config:api      ${idle(24)}#${idle(23)}
  link:postgres   ${idle(1)}#${idle(46)}
  service:api     ${idle(16)}#${idle(31)}
  service:worker  ${idle(48)}
`);
});

test("without faults there is no picture, and without an objective the budget says so", () => {
  const text = renderPlan(makePlan(exampleScenario({ chaos: {}, objectives: {} }), "1", exampleFaults));
  expect(text).toContain(
    "budget     faults may cost 0.0 s; the scenario sets no availability to hold that against\n",
  );
  expect(text.endsWith("\n\nFaults: none\n")).toBe(true);
});

const long = (chaos: ChaosInput = {}): ReturnType<typeof exampleScenario> =>
  exampleScenario(
    { duration: "48h" },
    {
      window: { every: ["100m", "140m"], for: "30m" },
      planned: [],
      quietStretch: "12h",
      faults: [slow(), crash(), leak(), corrupt(), flapping(), cascade()],
      ...chaos,
    },
  );
const picture = (text: string): string[] => text.slice(text.indexOf("Timeline:")).trimEnd().split("\n");

test("the picture of 48 hours with patterns fits 80 columns, with a ruler and the patterns' marks", () => {
  const name = "a-name-that-is-as-long-as-names-may-be-40";
  const stack = {
    ...exampleStack,
    links: [...exampleStack.links, { name: name.slice(0, 40), from: "api", to: "worker" }],
  };
  const faults = [slow({ options: { link: name.slice(0, 40), delayMs: 5 } }), flapping(), cascade()];
  const lines = picture(
    renderPlan(
      makePlan({ ...long({ faults: [slow()] }), chaos: long({ faults }).chaos, stack }, "7", exampleFaults),
    ),
  );
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
  expect(lines[0]).toBe("Timeline: a column is 1h; # fault, C cascade, F flapping");
  expect(lines[1]).toMatch(/^ +0 {11}\|12h {8}\|24h {8}\|36h {4}48h\|$/);
  const lane = (target: string): string => lines.find((line) => line.startsWith(`  ${target}`)) ?? "";
  expect(lane("link:postgres")).toMatch(/F.*C|C.*F/);
  expect(lane("config:api")).toContain("C");
  expect(lane("link:a-name-that-is-as-lo")).toMatch(/…  ·.*#/);
});

test("the table names steps of patterns, the duty cycle, and choices without room", () => {
  const text = renderPlan(makePlan(long(), "7", exampleFaults));
  expect(text).toMatch(
    /\nduty       faults are in force for 1\d\.\d % of the windows' time; 20\.0 % asked\n/,
  );
  expect(text).toMatch(/nothing, at most soft; flapping 2 of 3\n/);
  const narrow = long({
    window: { every: "40h", for: "2m" },
    dutyCycle: 0.5,
    faults: [slow(), leak(), corrupt()],
  });
  expect(renderPlan(makePlan(narrow, "7", exampleFaults))).toMatch(
    /\nNot tested:\n {2}never {4}\w+ \(chaos\.faults\[\d\]\): the windows have no room for it beside the others\n/,
  );
});

test("what a machine cannot carry is said once for all steps, with its reason", () => {
  const scenario = long({
    faults: [slow(), crash(), corrupt({ ifMissing: "skip" })],
    window: { every: "2h", for: "30m" },
  });
  const limits = { "cpu-quota": "no control groups here" };
  const needy = new Map(exampleFaults);
  const corruptFault = needy.get("corrupt");
  if (corruptFault === undefined) throw new Error("no such fault");
  needy.set("corrupt", { ...corruptFault, needs: ["config-file", "cpu-quota"] });
  const text = renderPlan(makePlan(scenario, "7", needy, { limits }));
  expect(text).toMatch(
    /\nNot tested:\n {2}skipped {2}f\d+-corrupt, f\d+-corrupt, f\d+-corrupt, \d+ more: no control groups here\n\n/,
  );
});

test("a condensed plan says so at the top", () => {
  const scenario = long();
  const short = condensePlan(makePlan(scenario, "7", exampleFaults), scenario, exampleFaults);
  expect(renderPlan(short)).toMatch(
    /^Plan of condensed example, seed 7\n48h condensed to .*\n\nhash .*\ncondensed {2}from 48h of example, plan [0-9a-f]{12}: holds divided by 4, calm cut\n/,
  );
});
