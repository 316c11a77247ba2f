// Small faults for the planner's tests: they have a kind, a target and an expectation, and do nothing.
import { z } from "zod";
import type { Expectation, Fault, FaultTable } from "../../faults/fault.ts";

const bearable: Expectation = {
  recovery: { atLeast: "none", atMost: "soft" },
  service: null,
  actWithinMs: null,
  restarts: false,
  unavailableMs: 0,
};
const nothing = {
  inject: () => Promise.resolve(),
  confirm: () => Promise.resolve({ effective: true, saw: "nothing" }),
  heal: () => Promise.resolve(),
};

const slow: Fault<{ link: string; delayMs: number }> = {
  ...nothing,
  name: "slow",
  summary: "A slow link.",
  needs: ["proxy"],
  kind: "held",
  options: z.strictObject({ link: z.string(), delayMs: z.number().min(1).max(5_000) }),
  target: ({ link }) => `link:${link}`,
  expect: () => bearable,
};

const crash: Fault<{ service: string }> = {
  ...nothing,
  name: "crash",
  summary: "A process ends.",
  needs: ["process"],
  kind: "momentary",
  options: z.strictObject({ service: z.string() }),
  target: ({ service }) => `service:${service}`,
  expect: ({ service }) => ({
    recovery: { atLeast: "hard", atMost: "hard" },
    service,
    actWithinMs: 2_000,
    restarts: true,
    unavailableMs: 3_000,
  }),
};

const leak: Fault<{ service: string }> = {
  ...nothing,
  name: "leak",
  summary: "Memory grows.",
  needs: ["agent"],
  kind: "held",
  options: z.strictObject({ service: z.string() }),
  target: ({ service }) => `service:${service}`,
  expect: () => ({ ...bearable, unavailableMs: 1_000 }),
};

const corrupt: Fault<{ file: string }> = {
  ...nothing,
  name: "corrupt",
  summary: "A file goes bad.",
  needs: ["config-file"],
  kind: "momentary",
  options: z.strictObject({ file: z.string() }),
  target: ({ file }) => `config:${file}`,
  expect: () => bearable,
};

/** What patterns.flapping takes a link down with. */
const linkDown: Fault<{ link: string }> = {
  ...nothing,
  name: "link-down",
  summary: "A link is cut.",
  needs: ["proxy"],
  kind: "held",
  options: z.strictObject({ link: z.string() }),
  target: ({ link }) => `link:${link}`,
  expect: () => bearable,
};

const all: readonly Fault[] = [slow, crash, leak, corrupt, linkDown];
export const exampleFaults: FaultTable = new Map(all.map((fault) => [fault.name, fault]));
