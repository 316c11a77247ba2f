// What every drill must keep, tried on a small real stack. A drill's own test calls `drillContract` and adds what is special.
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { Confirmation, FaultContext } from "../faults/fault.ts";
import { deadline, eventually } from "../support/clock.ts";
import type { Drill } from "./drill.ts";
import { drillTable } from "./index.ts";
import {
  smallSpec,
  startSmallStack,
  type SmallStack,
  type SmallStackOptions,
} from "./testing/small-stack.ts";

interface DrillCase<Options extends object> {
  readonly drill: Drill<Options>;
  readonly options: Options;
  /** The verb of slotted.mjs that does it. */
  readonly does: string;
  /** The one that undoes it. */
  readonly undoes: string;
  /** What a drill that was undone has left as it was, by people's words: the same before and after. */
  readonly state: (stack: SmallStack) => Promise<unknown>;
  /** False of a drill after which there is nothing to be seen undone: its backup stays. */
  readonly undoneShows: boolean;
}

/** `fresh` is the context of a process that knows nothing but the ledger. */
interface Trial {
  readonly stack: SmallStack;
  readonly fresh: (limitMs?: number) => FaultContext;
}

const running = new Set<SmallStack>();

function tidyUp(): void {
  afterEach(async () => {
    await Promise.all([...running].map((stack) => stack.stop()));
    running.clear();
  });
}

/** For one test; gone after it. */
export async function trial(options: SmallStackOptions = {}): Promise<Trial> {
  const stack = await startSmallStack(options);
  running.add(stack);
  const id = `d-${randomUUID().slice(0, 8)}`;
  return { stack, fresh: (limitMs) => stack.context(id, limitMs) };
}

export function drillContract<Options extends object>(theCase: DrillCase<Options>): void {
  describe(`${theCase.drill.name}: contract`, () => {
    describePlainParts(theCase);
    describeLife(theCase);
    describeLies(theCase);
  });
  tidyUp();
}

function describePlainParts<Options extends object>({ drill, options }: DrillCase<Options>): void {
  it("is in the table under its name, and says what it needs of a stack", () => {
    expect(drillTable.get(drill.name)).toBe(drill);
    expect(drill.refuses(smallSpec)).toBeUndefined();
    expect(drill.refuses({ ...smallSpec, operations: {} })).toContain(`operations["${drill.name}"]`);
  });

  it("takes its options as plain data and refuses unknown ones by name", () => {
    expect(drill.options.parse(structuredClone(options))).toEqual(options);
    expect(drill.options.safeParse({ ...options, misspelt: 1 }).error?.message).toContain("misspelt");
  });

  it("breaks nothing, has a name of its own on the timeline, and takes the time of its commands", () => {
    const expectation = drill.expect(options, { stack: smallSpec, holdMs: 1 });
    expect(expectation).toMatchObject({ recovery: { atLeast: "none", atMost: "none" }, unavailableMs: 0 });
    expect(drill.target(options)).toBe(`operation:${drill.name}`);
    const takes = drill.takes(options, smallSpec);
    const times = drill.times(options, smallSpec);
    expect(takes.injectMs).toBeGreaterThanOrEqual(5_000);
    expect(times.injectMs).toBeGreaterThan(takes.injectMs);
    expect(times.healMs).toBeGreaterThan(takes.healMs);
  });
}

/** As the engine does it: look again until it is in force. */
export function untilSeen<Options extends object>(
  drill: Drill<Options>,
  ctx: FaultContext,
  options: Options,
): Promise<Confirmation> {
  const look = async (): Promise<Confirmation | undefined> => {
    const seen = await drill.confirm(ctx, options);
    return seen.effective ? seen : undefined;
  };
  return eventually(look, deadline(5_000), 100);
}

function describeLife<Options extends object>({ drill, options, state }: DrillCase<Options>): void {
  it("is done, seen in force, and undone by another process; again is harmless", async () => {
    const { stack, fresh } = await trial();
    const before = await state(stack);
    await drill.inject(fresh(), options);
    expect((await untilSeen(drill, fresh(), options)).saw).not.toBe("");
    await drill.heal(fresh(), options);
    expect(await state(stack)).toEqual(before);
    await drill.heal(fresh(), options);
    expect(await state(stack)).toEqual(before);
    expect(stack.commands()).toEqual([]);
  });

  it("has nothing to undo where it was never begun", async () => {
    const { stack, fresh } = await trial();
    const before = await state(stack);
    await drill.heal(fresh(), options);
    expect(await state(stack)).toEqual(before);
    expect(await drill.confirm(fresh(), options)).toMatchObject({ effective: false });
  });
}

function describeLies<Options extends object>(theCase: DrillCase<Options>): void {
  const { drill, options, does, undoes, state, undoneShows } = theCase;

  it("fails with the last words of a command that fails", async () => {
    const { fresh } = await trial({ defect: `${does}=fails` });
    await expect(drill.inject(fresh(), options)).rejects.toThrow(/failed \(exit code 1\): it went wrong/);
  });

  it("ends a command that does not end, and undoes what it has done so far", async () => {
    const { stack, fresh } = await trial({ defect: `${does}=hangs`, doWithinMs: 1_500 });
    const before = await state(stack);
    await expect(drill.inject(fresh(), options)).rejects.toThrow("it was not done within 1500 ms");
    expect(stack.commands()).toEqual([]);
    await drill.heal(fresh(), options);
    expect(await state(stack)).toEqual(before);
  });

  it("is undone by another process although its command still runs, which is ended first", async () => {
    const { stack, fresh } = await trial({ defect: `${does}=hangs` });
    const before = await state(stack);
    const dead = drill.inject(fresh(), options).catch((error: unknown) => String(error));
    await eventually(() => stack.commands()[0], deadline(4_000), 20);
    await drill.heal(fresh(), options);
    expect(stack.commands()).toEqual([]);
    expect(await state(stack)).toEqual(before);
    // The harness, were it alive, sees its command killed.
    expect(await dead).toMatch(/was ended by SIG|is the same|failed/);
  });

  it.each(undoneShows ? [{}] : [])("does not believe an undo that says so and does nothing", async () => {
    const { fresh } = await trial({ defect: `${undoes}=lies` });
    await drill.inject(fresh(), options);
    await untilSeen(drill, fresh(), options);
    await expect(drill.heal(fresh(1_500), options)).rejects.toThrow(/aborted/);
  });

  it("does not take an undo that fails for one", async () => {
    const { fresh } = await trial({ defect: `${undoes}=fails` });
    await drill.inject(fresh(), options).catch(() => undefined);
    await expect(drill.heal(fresh(), options)).rejects.toThrow("it went wrong");
  });
}
