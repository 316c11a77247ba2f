// Every fault of a link on every kind of server: PostgreSQL, Redis and an HTTP service are asked in different ways, and each has to show it.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLedger, type Ledger } from "../run/ledger.ts";
import { createSpawner } from "../run/spawn.ts";
import { bringUp } from "../stack/process-stack.ts";
import type { LiveStack } from "../stack/stack.ts";
import { echoStack } from "../stack/testing/echo-stack.ts";
import { deadline, eventually, systemClock } from "../support/clock.ts";
import { loadTools } from "../support/tools.ts";
import type { Fault, FaultContext } from "./fault.ts";
import { faultTable } from "./index.ts";

const runId = `link-faults-e2e-${process.pid}`;
let folder: string;
let ledger: Ledger;
let stack: LiveStack;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "kiln-link-faults-"));
  const runDir = join(folder, "run");
  mkdirSync(runDir);
  ledger = await openLedger(runDir);
  const spawn = createSpawner({ ledger, runId, runDir, logsDir: join(runDir, "logs") });
  stack = await bringUp(echoStack, { runDir, runId, spawn, tools: loadTools(), signal: deadline(60_000) });
});

afterAll(async () => {
  await stack?.down();
  await ledger?.close();
  rmSync(folder, { recursive: true, force: true });
});

const contextOf = (id: string, signal: AbortSignal): FaultContext => ({
  id,
  stack: stack.handle,
  clock: systemClock,
  signal,
  selfHealMs: 60_000,
  remember: () => Promise.resolve(),
  recall: () => undefined,
});

const cases: readonly (readonly [name: string, options: object])[] = [
  ["latency", { delayMs: 100 }],
  ["link-down", {}],
  ["jitter", { delayMs: 50, jitterMs: 40, seed: 3 }],
  ["bandwidth", { kibPerSecond: 64 }],
  ["bandwidth", { kibPerSecond: 512 }],
  ["reset", { afterMs: 100 }],
  ["timeout", { afterMs: 300 }],
  ["slicing", { sliceBytes: 64, gapMs: 10 }],
  ["data-limit", { bytes: 200 }],
  ["data-limit", { bytes: 20_000 }],
  ["partition", { direction: "both" }],
  ["partition", { direction: "to-service" }],
  ["partition", { direction: "from-service" }],
];

describe.each(["front", "postgres", "redis"])("on link %s", (link) => {
  test.each(cases)("%s %o is seen, measured and healed", async (name, rest) => {
    const fault = faultTable.get(name) as Fault;
    const options = fault.options.parse({ link, ...rest });
    const stop = new AbortController();
    const ctx = contextOf(`f-${name}`, deadline(40_000));
    await fault.inject(ctx, options);
    const sustained = fault.sustain?.({ ...ctx, signal: stop.signal }, options);
    // As the engine does it: on a busy machine the first look may miss.
    const seen = await eventually(async () => {
      const look = await fault.confirm(ctx, options);
      return look.effective ? look : undefined;
    }, ctx.signal);
    stop.abort();
    await sustained;
    const healingMs = systemClock.nowMs();
    await fault.heal(ctx, options);
    const healedMs = systemClock.nowMs() - healingMs;
    expect(seen).toMatchObject({ effective: true });
    expect(healedMs).toBeLessThan(1_000);
    expect(await stack.handle.proxy(link).state()).toEqual({ enabled: true, toxics: [] });
    expect(await stack.handle.proxy(link).exchange(deadline(2_000))).toBeLessThan(1_000);
  });
});
