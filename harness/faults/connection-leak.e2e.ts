import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLedger } from "../run/ledger.ts";
import { createSpawner } from "../run/spawn.ts";
import type { StackSpec } from "../scenario/stack-spec.ts";
import { bringUp } from "../stack/process-stack.ts";
import { readStackRecord } from "../stack/record.ts";
import type { LiveStack } from "../stack/stack.ts";
import { deadline, eventually, systemClock } from "../support/clock.ts";
import type { Json } from "../support/json.ts";
import { loadTools } from "../support/tools.ts";
import { connectionLeak } from "./connection-leak.ts";
import { faultContract } from "./fault.contract.ts";
import type { FaultContext } from "./fault.ts";
import { countSessionsTo } from "./open-descriptors.ts";
import { restarted } from "./testing/restarted.ts";
import { jobsOf, startTestStack, type TestStack } from "./testing/test-stack.ts";

const options = { service: "alpha", link: "cache", perSecond: 20, most: 400 };

async function leftOf(stack: TestStack, id: string): Promise<string[]> {
  const left = readdirSync(stack.handle.scratchDir).filter((file) => file.includes(id));
  const { pid } = stack.handle.process("alpha").find()!;
  left.push(...(await jobsOf(stack, "alpha")));
  for (const link of ["cache", "beta"]) {
    const count = await countSessionsTo(pid, stack.handle.proxy(link).port);
    if (count !== 0) left.push(`alpha has ${count} connections over ${link}`);
  }
  return left;
}

faultContract({
  fault: connectionLeak,
  options,
  wrongTarget: { ...options, link: "beta" },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, perSecond: options.perSecond / 2 }),
  start: () => startTestStack(),
  residues: leftOf,
  repair: (stack) => restarted(stack, "alpha"),
});

describe("connection-leak", () => {
  it("leaks over a link of that service only", async () => {
    const stack = await startTestStack({ servers: false });
    onTestFinished(() => stack.stop());
    const scene = { stack: stack.handle.spec, holdMs: 10_000 };
    expect(connectionLeak.expect(options, scene).recovery.atMost).toBe("soft");
    const refused = (other: object) => () => connectionLeak.expect({ ...options, ...other }, scene);
    expect(refused({ link: "cash" })).toThrow('alpha has no link "cash" (it has beta, cache)');
    expect(refused({ service: "beta" })).toThrow('beta has no link "cache" (it has none)');
  });

  it("takes real sessions of PostgreSQL, as many as asked, and gives them back", async () => {
    const { stack, port } = await postgresStack();
    const ctx = contextIn(stack, "f-postgres");
    const watcher = new Client({ host: "127.0.0.1", port, user: "kiln", database: "kiln_test" });
    await watcher.connect();
    onTestFinished(() => watcher.end());
    const sessions = async (): Promise<number> => {
      const { rows } = await watcher.query<{ state: string }>(
        "select state from pg_stat_activity where application_name = 'kiln-connection-leak'",
      );
      return rows.filter(({ state }) => state === "idle").length;
    };
    const leak = { service: "calm", link: "store", perSecond: 10, most: 30 };
    await connectionLeak.inject(ctx, leak);
    await eventually(async () => ((await sessions()) === 30 ? true : undefined), deadline(10_000));
    expect(await connectionLeak.confirm(ctx, leak)).toMatchObject({
      effective: true,
      magnitude: { asked: 30, measured: 30 },
    });
    await connectionLeak.heal(ctx, leak);
    await eventually(async () => ((await sessions()) === 0 ? true : undefined), deadline(5_000));
  });
});

const postgresSpec: StackSpec = {
  name: "leaks",
  driver: "processes",
  services: [
    { kind: "postgres", name: "store", user: "kiln", database: "kiln_test" },
    {
      kind: "program",
      name: "calm",
      command: ["node", "fixtures/victims/calm-service.mjs"],
      env: { PORT: "{port:calm}" },
      readyPath: "/health",
      agentMain: "victims/calm-service.mjs",
    },
  ],
  links: [
    { name: "front", from: "load", to: "calm" },
    { name: "store", from: "calm", to: "store" },
  ],
};

/** A stack as a run brings it up, taken down after the test. */
async function postgresStack(): Promise<{ readonly stack: LiveStack; readonly port: number }> {
  const runId = `leak-e2e-${process.pid}`;
  const base = mkdtempSync(join(tmpdir(), "kiln-leak-"));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const runDir = join(base, "run");
  mkdirSync(runDir);
  const ledger = await openLedger(runDir);
  onTestFinished(() => ledger.close());
  const spawn = createSpawner({ ledger, runId, runDir, logsDir: join(runDir, "logs") });
  const stack = await bringUp(postgresSpec, {
    runDir,
    runId,
    spawn,
    tools: loadTools(),
    signal: deadline(60_000),
  });
  onTestFinished(() => stack.down());
  const agent = stack.handle.agent("calm");
  const answers = () => agent.call("ping", {}, deadline(1_000)).catch(() => undefined);
  await eventually(answers, deadline(10_000));
  return { stack, port: readStackRecord(runDir)?.servicePorts["store"] ?? 0 };
}

function contextIn({ handle }: LiveStack, id: string): FaultContext {
  let memory: Json | undefined;
  return {
    id,
    stack: handle,
    clock: systemClock,
    signal: deadline(60_000),
    selfHealMs: 60_000,
    remember: async (value) => {
      memory = value;
    },
    recall: () => memory,
  };
}
