import type { EventOf, JournalEvent } from "../harness/journal/events.ts";
import { expect, test } from "vitest";
import { buildReportModel } from "./model.ts";
import type { ChartId, ReportModel } from "./model-types.ts";
import type { SampleOptions } from "./testing/sample-plan.ts";
import { sampleJourneys } from "./testing/sample-journeys.ts";
import { sampleRun } from "./testing/sample-run.ts";

const now = new Date("2026-11-21T03:40:00Z");
const model = (options: SampleOptions = {}): ReportModel => buildReportModel({ ...sampleRun(options), now });
const series = (from: ReportModel, chart: ChartId, label: string): readonly (number | null)[] =>
  from.charts.find(({ id }) => id === chart)?.series.find((one) => one.label === label)?.values ?? [];

test("every series has one value for each point of the shared axis", () => {
  const built = model();
  expect(built.axis.xSec).toHaveLength(180);
  for (const chart of built.charts) for (const { values } of chart.series) expect(values).toHaveLength(180);
});

test("load shows the spike, failures show the kill, memory breaks while the process is gone", () => {
  const built = model();
  expect(series(built, "load", "planned")[20]).toBe(65);
  expect(series(built, "load", "delivered")[165]).toBe(175);
  const kill = built.faults.find(({ record }) => record.fault === "kill");
  const second = Math.floor((kill?.record.injected?.atMs ?? 0) / 1_000) + 1;
  expect(series(built, "failures", "failed")[second]).toBeGreaterThan(50);
  expect(series(built, "failures", "failed")[5]).toBe(0);
  const late = model({ outcome: "fail" });
  expect(series(late, "memory", "gateway")[second + 8]).toBeNull();
  expect(series(late, "memory", "redis")[second + 8]).toBeGreaterThan(1_000_000);
  expect(built.charts.find(({ id }) => id === "failures")?.sentence).toContain("during f07-kill");
});

test("percentiles rise in order", () => {
  const built = model();
  const [p50, p95, p99, max] = ["p50", "p95", "p99", "max"].map((label) => series(built, "latency", label));
  p50?.forEach((value, index) => {
    expect(p95?.[index]).toBeGreaterThanOrEqual(value ?? 0);
    expect(p99?.[index]).toBeGreaterThanOrEqual(p95?.[index] ?? 0);
    expect(max?.[index]).toBeGreaterThanOrEqual(p99?.[index] ?? 0);
  });
});

test("bands name warm-up, window, spike and each fault; restarts are marked but first starts are not", () => {
  const built = model();
  expect(built.bands.map(({ kind }) => kind).filter((kind) => kind !== "fault")).toEqual([
    "warm-up",
    "window",
    "spike",
  ]);
  expect(built.bands.filter(({ kind }) => kind === "fault")).toHaveLength(7);
  expect(built.marks.map(({ label }) => label)).toEqual(["gateway restarted"]);
});

test("findings come worst first and each fault knows its own", () => {
  const built = model({ outcome: "fail" });
  expect(built.findings.slice(0, 3).map(({ status }) => status)).toEqual(["fail", "fail", "pass"]);
  const kill = built.faults.at(-1);
  expect(kill?.findings.map(({ id }) => id)).toEqual(["recovery/f07-kill", "watchdog/f07-kill"]);
  expect(kill?.watchdog.map(({ event }) => event)).toEqual(["detected", "action", "validated"]);
});

test("what was not tested says so: an unconfirmed fault, an objective that is not set, targets without evidence", () => {
  const list = model({ outcome: "inconclusive" }).neverTested;
  expect(list.find(({ what }) => what.includes("f03-upstream-errors"))?.why).toContain(
    "never seen to bite: 0 of 200 calls failed",
  );
  expect(list).toContainEqual({ what: "Memory drift", why: "the scenario sets no objective" });
  expect(list.map(({ what }) => what)).toContain("Page load time (target: under 3 s)");
});

test("a step that the stack could not carry is lost coverage", () => {
  const { plan, verdict, evidence } = sampleRun();
  const [first, ...rest] = plan.faults;
  const skipping = {
    ...plan,
    faults: [{ ...first!, skipped: { missing: ["container" as const] } }, ...rest],
  };
  const built = buildReportModel({
    plan: skipping,
    verdict: { ...verdict, faults: verdict.faults.slice(1) },
    evidence,
    now,
  });
  expect(built.faults[0]?.skipped).toBe("the stack lacks: container");
  expect(built.neverTested[0]).toEqual({
    what: "Fault f01-latency on link:postgres",
    why: "not run: the stack lacks: container",
  });
});

test("a partial run says where its evidence ends and shades the rest", () => {
  const built = model({ endMs: 70_000 });
  expect(built.partial).toContain("00:01:10 of 00:03:00");
  expect(built.bands.find(({ kind }) => kind === "unseen")).toMatchObject({ fromMs: 70_000, toMs: 180_000 });
  expect(series(built, "load", "delivered")[100]).toBeNull();
  expect(built.faults.at(-1)?.skipped).toBe("the run ended before it");
});

test("a time without Toxiproxy is a band, and a stop says how long healing took", () => {
  const { plan, verdict, evidence } = sampleRun();
  const what = "Toxiproxy was replaced on its ports; it had been gone for at most 2.50 s";
  const more: JournalEvent[] = [
    { seq: 900, atMs: 62_500, type: "control-plane", what, state: "replaced", fromMs: 60_000 },
    { seq: 901, atMs: 70_000, type: "stopping", reason: "enough" },
    { seq: 902, atMs: 71_200, type: "fault", id: "f01-latency", state: "healed" },
    { seq: 903, atMs: 72_000, type: "clock", wallMs: 1, stepMs: 9_000, suspendedMs: 9_000 },
  ];
  const events = [...evidence.events()].filter(({ atMs }) => atMs < 60_000).concat(more);
  const eventsOf: typeof evidence.eventsOf = (type) =>
    events.filter((event): event is EventOf<typeof type> => event.type === type);
  const built = buildReportModel({
    plan,
    verdict,
    evidence: { ...evidence, events: () => events, eventsOf },
    now,
  });
  expect(built.bands).toContainEqual(
    expect.objectContaining({ kind: "gap", fromMs: 60_000, toMs: 62_500, label: "gap: Toxiproxy was gone" }),
  );
  const notes = built.how.notes.map(({ text }) => text);
  expect(notes).toContain(`control plane: ${what}`);
  expect(notes).toContain("stopping: enough; all faults healed 1.20 s later");
  expect(notes).toContain("the wall clock jumped by 9 s: the machine was suspended for 9 s");
});

test("a run without load and one without faults give a whole model", () => {
  const idle = model({ load: false });
  expect(idle.partial).toContain("never started");
  expect(idle.charts.map(({ sentence }) => sentence)).toContain("No memory was measured.");
  const calm = model({ faults: false });
  expect(calm.faults).toEqual([]);
  expect(calm.neverTested).toContainEqual({ what: "Behaviour under faults", why: "the plan holds no fault" });
});

test("a browser's visits are shown, and the page's time stands beside its target instead of under what was never tested", () => {
  const { plan, verdict, evidence } = sampleRun();
  const asked = { ...plan, journeys: { script: "j.ts", service: "web", everyMs: 60_000, succeed: 0.95 } };
  const page = "Page load time (target: under 3 s)";
  const built = buildReportModel({
    plan: asked,
    verdict: { ...verdict, journeys: sampleJourneys },
    evidence,
    now,
  });
  expect(built.journeys).toEqual(sampleJourneys);
  expect(built.targets.find(({ name }) => name.startsWith("Page load time"))).toMatchObject({
    measured: "810 ms",
    target: "under 3 s",
    met: true,
  });
  expect(built.neverTested.map(({ what }) => what)).not.toContain(page);
  const why = "there is no browser on this machine";
  const without = { ...verdict, journeys: { ...sampleJourneys, page: null, why } };
  const blind = buildReportModel({ plan: asked, verdict: without, evidence, now });
  expect(blind.neverTested).toContainEqual({ what: page, why });
  expect(model().journeys).toBeNull();
});

test("the command to reproduce is safe to paste", () => {
  const { plan, verdict, evidence } = sampleRun();
  const odd = buildReportModel({ plan: { ...plan, seed: "it's $(rm)" }, verdict, evidence, now });
  expect(odd.how.command).toBe(String.raw`npx kiln run smoke --seed 'it'\''s $(rm)'`);
  expect(model().how.command).toBe("npx kiln run smoke --seed 42");
});
