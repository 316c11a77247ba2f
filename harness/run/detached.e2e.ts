// Runs that go on by themselves, on the real stack: killed and resumed by their reaper, given up after too many deaths, stopped by hand,
// frozen and woken, resumed after a (feigned) restart of the machine. Nothing of any of them may be left.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { JournalEvent } from "../journal/events.ts";
import { eventsIn, readJournal } from "../journal/journal-reader.ts";
import { membersOf } from "../stack/membership.ts";
import { portsOf, readStackRecord } from "../stack/record.ts";
import { mountsOfRun } from "../stack/volumes.ts";
import { deadline, eventually } from "../support/clock.ts";
import { canBind } from "../support/free-ports.ts";
import { type ProcessIdentity, isAlive, signalProcess } from "../support/process-identity.ts";
import { projectRoot } from "../support/tools.ts";
import { cli, kiln, makeRunsDir, newestRun, readVerdict, startKiln } from "../testing/kiln-process.ts";
import { residues } from "../testing/residues.ts";
import { readLedger } from "./ledger.ts";
import { readLock } from "./lock.ts";
import { workersOf } from "./run-state.ts";

/** Tests that take half a minute and more each are a part of `npm run test:crash`; elsewhere there are none of them. */
const whereLong = process.env["KILN_LONG"] === "1" ? [{}] : [];
let runs: ReturnType<typeof makeRunsDir>;
let files: ReturnType<typeof makeRunsDir>;

beforeAll(() => {
  runs = makeRunsDir();
  files = makeRunsDir();
});
// A test that fails half-way must not keep the machine's one run.
afterEach(async () => void (readLock() !== undefined && (await kiln(["stop"], { runsDir: runs.path }))));
afterAll(() => {
  runs.remove();
  files.remove();
});

/** A scenario with latency on two links at fixed times, in words such as "8s". */
function scenario(
  duration: string,
  first: { at: string; hold: string },
  second: { at: string; hold: string },
  atOnce = 1,
): string {
  const file = join(files.path, `long-${duration}-${first.hold}.ts`);
  const at = (path: string): string => JSON.stringify(join(projectRoot, path));
  writeFileSync(
    file,
    `import { defineScenario, faults } from ${at("harness/index.ts")};
     import { referenceStack } from ${at("fixtures/stack/stack.ts")};
     export default defineScenario({
       name: "long", stack: referenceStack({ thresholds: "quick" }), duration: "${duration}", preflight: "0s", warmUp: "1s",
       load: { script: ${at("scenarios/load/gateway.ts")}, steadyRps: 65, rotateEvery: "15s" },
       chaos: { settle: "3s", atMostAtOnce: ${atOnce}, planned: [
         faults.latency({ link: "postgres", delayMs: 150 }, ${JSON.stringify(first)}),
         faults.latency({ link: "redis", delayMs: 50 }, ${JSON.stringify(second)}) ] },
       objectives: { availability: 0.5, recoveryMs: 20_000, completeMonitoring: true },
     });`,
  );
  return file;
}

async function start(file: string): Promise<string> {
  const { code, stdout, stderr } = await kiln(["run", file, "--detach"], { runsDir: runs.path });
  expect(code, stderr).toBe(0);
  const runDir = newestRun(runs.path);
  expect(stdout).toContain(`npx kiln watch ${basename(runDir)}`);
  expect(existsSync(join(runDir, "plan.json"))).toBe(true);
  return runDir;
}

const events = (runDir: string): JournalEvent[] => readJournal(runDir).events;
const until = <T>(look: () => T | undefined, ms = 120_000): Promise<T> => eventually(look, deadline(ms), 50);

function faultStates(runDir: string, id: string): string[] {
  return eventsIn(events(runDir), "fault")
    .filter((event) => event.id === id)
    .map(({ state, by }) => (by === undefined ? state : `${state} by ${by}`));
}

/** The living harness, other than those. */
function harnessOf(runDir: string, dead: readonly ProcessIdentity[] = []): Promise<ProcessIdentity> {
  return until(() => {
    const { opened, harnessLives } = workersOf(runDir);
    const isNew = opened !== undefined && !dead.some(({ pid }) => pid === opened.harness.pid);
    return isNew && harnessLives ? opened.harness : undefined;
  });
}

async function kill(runDir: string, dead: readonly ProcessIdentity[] = []): Promise<ProcessIdentity> {
  const harness = await harnessOf(runDir, dead);
  expect(signalProcess(harness, "SIGKILL")).toBe(true);
  return harness;
}

async function expectNothingLeft(runDir: string): Promise<void> {
  await until(() => (workersOf(runDir).reapers.length === 0 ? true : undefined), 30_000);
  expect(residues(runs.path).processes).toEqual([]);
  const record = readStackRecord(runDir);
  for (const port of record === undefined ? [] : portsOf(record))
    expect(await canBind(port), `port ${port}`).toBe(true);
  expect(mountsOfRun(runDir, basename(runDir))).toEqual([]);
  expect(readLock()).toBeUndefined();
  expect(existsSync(join(runDir, "stack", "postgres", "data"))).toBe(false);
}

describe("a detached run", () => {
  test.each(whereLong)(
    "is resumed by itself each time that its harness is killed, and ends with a report",
    async () => {
      const runDir = await start(scenario("60s", { at: "5s", hold: "20s" }, { at: "48s", hold: "4s" }));
      await until(() => eventsIn(events(runDir), "fault-confirmed").at(0));
      // One that runs and notices its broken pipe, and one that waits for its segment: that is stopped, so that it notices nothing.
      const k6 = await until(() => {
        const found = membersOf({ runId: basename(runDir), runDir }).filter(({ command }) =>
          command.includes("k6 run"),
        );
        return found.length >= 2 ? found : undefined;
      });
      const waiting = k6.at(-1)?.identity;
      if (waiting !== undefined) signalProcess(waiting, "SIGSTOP");
      const first = await kill(runDir);
      // Healed within 10 s by whoever noticed, on the disk before anything is resumed.
      await until(() => (readLedger(runDir).some(({ op }) => op === "healed") ? true : undefined), 10_000);
      await until(() => eventsIn(events(runDir), "resumed").at(0));
      expect(k6.filter(({ identity }) => isAlive(identity))).toEqual([]);
      await until(() => eventsIn(events(runDir), "segment-started").at(1));
      await kill(runDir, [first]);
      const watched = await kiln(["watch", basename(runDir)], { runsDir: runs.path });
      await expectNothingLeft(runDir);

      const { events: all, damage } = readJournal(runDir);
      expect(damage).toEqual([]);
      expect(eventsIn(all, "resumed").map(({ attempt, by }) => [attempt, by])).toEqual([
        [1, "reaper"],
        [2, "reaper"],
      ]);
      expect(eventsIn(all, "run-ended")).toMatchObject([{ outcome: "completed" }]);
      expect(faultStates(runDir, "f01-latency")).toEqual(["injecting", "active", "healed by reaper"]);
      expect(faultStates(runDir, "f02-latency")).toEqual(["injecting", "active", "healing", "healed"]);
      expect(eventsIn(all, "fault-skipped")).toEqual([]);

      const verdict = readVerdict(runDir);
      const status = (id: string) => verdict.findings.find((one) => one.id === id)?.status;
      // A gap of some ten seconds is far more than a hundredth of a minute.
      expect(watched.code).toBe(2);
      expect(watched.stdout).toContain("INCONCLUSIVE");
      expect(verdict.partial).toBe(false);
      expect(verdict.findings.filter(({ status: one }) => one === "fail")).toEqual([]);
      expect(status("evidence/resumed")).toBe("inconclusive");
      expect(status("evidence/accounts"), JSON.stringify(verdict.findings)).toBe("pass");
      expect(status("evidence/load")).toBe("pass");
      expect(status("evidence/complete")).toBe("pass");
      expect(status("evidence/samples")).toBe("pass");
      expect(status("recovery/f01-latency")).toBe("inconclusive");
      expect(status("recovery/f02-latency")).toBe("pass");
      expect(readFileSync(join(runDir, "report.md"), "utf8")).toContain("died twice and was resumed");
      const again = await kiln(["resume", runDir], { runsDir: runs.path });
      expect(again.code).toBe(3);
      expect(again.stderr).toMatch(/it has ended \(completed\)/);
    },
  );

  test.each(whereLong)(
    "obeys what was healed while it was frozen, is left alone by others, and is stopped by hand",
    async () => {
      const runDir = await start(scenario("120s", { at: "2s", hold: "60s" }, { at: "8s", hold: "4s" }, 2));
      const id = basename(runDir);
      await until(() => eventsIn(events(runDir), "fault-confirmed").at(0));
      const harness = await harnessOf(runDir);
      signalProcess(harness, "SIGSTOP");
      for (const command of ["heal", "resume"]) {
        const refused = await kiln([command, id], { runsDir: runs.path });
        expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/in progress|going on/)]);
      }
      await until(() => (readLedger(runDir).some(({ op }) => op === "healed") ? true : undefined), 60_000);
      signalProcess(harness, "SIGCONT");
      await until(() => (faultStates(runDir, "f01-latency").length > 2 ? true : undefined));
      await until(() => eventsIn(events(runDir), "fault-skipped").at(0));
      expect(faultStates(runDir, "f01-latency")).toEqual(["injecting", "active", "healed by reaper"]);
      expect(faultStates(runDir, "f02-latency")).toEqual([]);

      const status = await kiln(["status", id], { runsDir: runs.path });
      expect(status.code).toBe(0);
      expect(status.stdout).toMatch(/phase +load, .* of 2m, .* left/);
      expect(status.stdout).toMatch(
        new RegExp(`harness +process ${harness.pid} lives, reaper \\d+; detached`),
      );
      expect(status.stdout).toMatch(/faults +none in force; of 2 planned 1 over, 1 skipped, 0 to come/);
      const second = await kiln(["run", "micro", "--detach"], { runsDir: runs.path });
      expect([second.code, second.stderr]).toEqual([4, expect.stringMatching(`run ${id} is in progress`)]);
      expect(newestRun(runs.path)).toBe(runDir);
      const watching = startKiln([cli, "watch"], { runsDir: runs.path });
      await until(() => (/load begins/.test(watching.output()) ? true : undefined));
      watching.child.kill("SIGINT");
      const watched = await watching.ended;
      expect([watched.code, watched.stderr]).toEqual([130, expect.stringContaining("the run goes on")]);
      expect(isAlive(harness)).toBe(true);
      const stopped = await kiln(["stop"], { runsDir: runs.path });
      expect(stopped.code, stopped.stderr).toBe(0);
      expect(stopped.stdout).toMatch(/has ended: interrupted \(interrupted by SIGTERM\)/);
      await expectNothingLeft(runDir);
      expect(readVerdict(runDir).partial).toBe(true);
      expect(readFileSync(join(runDir, "report.html"), "utf8")).toMatch(/<!doctype html>/i);
    },
  );

  test("is given up when its harness dies a fourth time: healed, taken down, and the journal says why", async () => {
    const runDir = await start(scenario("60s", { at: "5s", hold: "4s" }, { at: "20s", hold: "4s" }));
    const dead: ProcessIdentity[] = [];
    for (let death = 1; death <= 4; death++) dead.push(await kill(runDir, dead));
    const ended = await until(() => eventsIn(events(runDir), "run-ended").at(0));
    expect(ended).toMatchObject({
      outcome: "error",
      reason: expect.stringContaining("resumed 3 times") as string,
    });
    await until(() => (existsSync(join(runDir, "report.html")) ? true : undefined));
    await expectNothingLeft(runDir);
    expect(readLedger(runDir).filter(({ op }) => op === "resume")).toHaveLength(3);
    expect(readLedger(runDir).at(-1)).toMatchObject({ op: "torn-down", by: "reaper" });
    const watched = await kiln(["watch", runDir], { runsDir: runs.path });
    expect(watched.code).toBe(4);
    expect((await kiln(["resume", runDir], { runsDir: runs.path })).code).toBe(3);
  });

  test.each(whereLong)(
    "is resumed by hand after a restart of the machine, on the data that it had",
    async () => {
      const runDir = await start(scenario("45s", { at: "2s", hold: "3s" }, { at: "35s", hold: "3s" }));
      const id = basename(runDir);
      await until(() => (faultStates(runDir, "f01-latency").includes("healed") ? true : undefined));
      const { opened, reapers } = workersOf(runDir);
      for (const reaper of reapers) signalProcess(reaper, "SIGKILL");
      if (opened !== undefined) signalProcess(opened.harness, "SIGKILL");
      const members = (): ProcessIdentity[] =>
        membersOf({ runId: id, runDir }).map(({ identity }) => identity);
      await until(() => {
        for (const identity of members()) signalProcess(identity, "SIGKILL");
        return members().length === 0 ? true : undefined;
      });
      // The kernel would have given the machine another boot id, and would have taken the servers' shared memory with it.
      const bootId = opened?.bootId ?? "";
      for (const name of ["journal.ndjson", "ledger.ndjson"]) {
        const text = readFileSync(join(runDir, name), "utf8");
        writeFileSync(join(runDir, name), text.replaceAll(bootId, "00000000-0000-0000-0000-000000000000"));
      }
      const plan = readFileSync(join(runDir, "plan.json"), "utf8");
      writeFileSync(join(runDir, "plan.json"), plan.replace('"seed": "1"', '"seed": "2"'));
      const changed = await kiln(["resume", id], { runsDir: runs.path });
      expect([changed.code, changed.stderr]).toEqual([
        3,
        expect.stringContaining("plan.json is not the plan that was run"),
      ]);
      writeFileSync(join(runDir, "plan.json"), plan);

      const resumed = await kiln(["resume", id], { runsDir: runs.path });
      expect([0, 2], resumed.stderr).toContain(resumed.code);
      await expectNothingLeft(runDir);
      const all = events(runDir);
      expect(readJournal(runDir).damage).toEqual([]);
      expect(eventsIn(all, "resumed")).toMatchObject([{ by: "user", bootChanged: true, attempt: 1 }]);
      expect(eventsIn(all, "run-ended")).toMatchObject([{ outcome: "completed" }]);
      const restarted = eventsIn(all, "note").filter(({ text }) => text.includes("is started again"));
      expect(restarted.map(({ text }) => text.split(" ")[0])).toEqual([
        "toxiproxy",
        "postgres",
        "redis",
        "upstream",
        "watchdog",
      ]);
      const verdict = readVerdict(runDir);
      expect(verdict.findings.filter(({ status }) => status === "fail")).toEqual([]);
      expect(verdict.findings.find((one) => one.id === "evidence/resumed")?.detail).toMatch(/started anew/);
    },
  );
});
