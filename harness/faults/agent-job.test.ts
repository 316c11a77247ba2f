import { expect, it } from "vitest";
import { systemClock } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import { identify, type ProcessIdentity } from "../support/process-identity.ts";
import { startJob } from "./agent-job.ts";
import type { FaultContext } from "./fault.ts";

const unreachable = (code: string): Error =>
  environmentError("agent-unreachable", "the agent did not answer burn", {
    cause: Object.assign(new Error(code), { code }),
  });

/** A service whose agent answers only the n-th call. */
function contextWith(failures: readonly Error[]): { ctx: FaultContext; calls: string[] } {
  const calls: string[] = [];
  const call = (command: string): Promise<string> => {
    const failure = failures[calls.length];
    calls.push(command);
    return failure === undefined ? Promise.resolve("begun") : Promise.reject(failure);
  };
  const ctx = {
    id: "f1",
    selfHealMs: 1_000,
    clock: systemClock,
    signal: AbortSignal.timeout(20_000),
    remember: () => Promise.resolve(),
    stack: { agent: () => ({ call }) },
  } as unknown as FaultContext;
  return { ctx, calls };
}

const living = identify(process.pid)!;
const begin = (ctx: FaultContext, identity: ProcessIdentity) =>
  startJob(ctx, "alpha", { command: "burn", params: {}, identity });

it("waits for the agent of a process that serves already", async () => {
  const { ctx, calls } = contextWith([unreachable("ECONNREFUSED"), unreachable("ECONNREFUSED")]);
  expect(await begin(ctx, living)).toBe("begun");
  expect(calls).toHaveLength(3);
});

it("asks only once where the job may have begun, and where the process is gone", async () => {
  const broken = contextWith([unreachable("ECONNRESET")]);
  await expect(begin(broken.ctx, living)).rejects.toMatchObject({ code: "agent-unreachable" });
  const gone = contextWith([unreachable("ECONNREFUSED")]);
  await expect(begin(gone.ctx, { ...living, startTicks: 1 })).rejects.toMatchObject({
    code: "agent-unreachable",
  });
  expect([broken.calls, gone.calls]).toEqual([["burn"], ["burn"]]);
});
