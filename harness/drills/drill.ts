// The contract of a drill: a planned operation of the stack's operators, with the verbs of a fault. `inject` does it, `confirm` looks whether it
// is in force (on the data path, where users are), `heal` undoes it and does not resolve before that is in force, too. Nothing is broken by
// it: no reaction is demanded of a watchdog, and no time without service is granted.
//
// A drill module is a plain object in one file, as a fault module is: it imports this contract, helpers and support/, and every effect goes
// through the context. It carries out commands of the stack's own (docs/stacks.md), and never takes their word for what they did.
import type { Expectation, Fault, FaultContext, VerbTimes } from "../faults/fault.ts";
import type { OperationsSpec, TimedCommand } from "../scenario/operations-spec.ts";
import type { StackSpec } from "../scenario/stack-spec.ts";
import { environmentError, usageError } from "../support/errors.ts";
import type { Json } from "../support/json.ts";

/** What a drill is held to, besides that it was done, seen and undone. */
export interface DrillDemands {
  /** No request may fail from its start until it is undone. */
  readonly noFailedRequest?: true;
  /** The longest that undoing may take, milliseconds. */
  readonly undoneWithinMs?: number;
}

export interface Drill<Options extends object = object> extends Fault<Options> {
  readonly kind: "held";
  /** Why this stack cannot carry it, as words that end a sentence; undefined where it can. Asked when the plan is made. */
  refuses(stack: StackSpec): string | undefined;
  readonly demands: DrillDemands;
  /** How long each verb may take where its commands keep to their own limits: what the plan reserves. */
  takes(options: Options, stack: StackSpec): VerbTimes;
  /** The same with room for what does not: made by `defineDrill`. */
  times(options: Options, stack: StackSpec): VerbTimes;
}

/** name -> drill. */
export type DrillTable = ReadonlyMap<string, Drill>;

/** Ending a command that does not end takes so long, and so does the last look after one. */
const slackMs = 8_000;

/** Keeps a drill's options typed inside its module and erases them for the table. */
export function defineDrill<Options extends object>(drill: Omit<Drill<Options>, "times">): Drill<Options> {
  const times = (options: Options, stack: StackSpec): VerbTimes => {
    const { injectMs, confirmMs, healMs } = drill.takes(options, stack);
    return { injectMs: injectMs + slackMs, confirmMs, healMs: healMs + slackMs };
  };
  return { ...drill, times };
}

/** A watchdog has nothing to do about a drill, and users are served all the time. */
export const nothingBroken: Expectation = {
  recovery: { atLeast: "none", atMost: "none" },
  service: null,
  actWithinMs: null,
  restarts: false,
  unavailableMs: 0,
};

/** "Rollback in under five minutes" of the requirements. */
export const rollBackMs = 5 * 60_000;

export function refusesWithout(name: keyof OperationsSpec): (stack: StackSpec) => string | undefined {
  return ({ operations }) =>
    operations?.[name] === undefined ? `its description has no operations["${name}"]` : undefined;
}

export function operationOf<Name extends keyof OperationsSpec>(
  { operations }: StackSpec,
  name: Name,
): NonNullable<OperationsSpec[Name]> {
  const found = operations?.[name];
  if (found !== undefined) return found;
  throw usageError("stack-no-operation", `the stack's description has no operations["${name}"]`);
}

/** Runs one command of the drill's operation to its end. Resolves with its exit code; rejects when it had none. */
export async function runCommand(
  ctx: FaultContext,
  name: keyof OperationsSpec,
  command: TimedCommand,
  values: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly said: string }> {
  const { env = {} } = operationOf(ctx.stack.spec, name);
  const { code, signal, said } = await ctx.stack.operations.run({
    id: ctx.id,
    command,
    env,
    values,
    signal: ctx.signal,
  });
  if (code !== null) return { code, said };
  throw environmentError("operation-killed", `${command.command.join(" ")} was ended by ${signal}: ${said}`);
}

/** What a drill remembers: `over` once the command that was run last has come to an end by itself, however. */
export interface DrillMemory {
  readonly [key: string]: Json;
  readonly over: boolean;
}

/** Remembers what undoing will need, and then does it. */
export async function doIt(
  ctx: FaultContext,
  name: keyof OperationsSpec,
  memory: Readonly<Record<string, Json>>,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const { do: command } = operationOf(ctx.stack.spec, name);
  await toItsEnd(ctx, name, command, memory, values);
}

/** Undoes it: first ends what a dead process may have left running of it, with all that this had started. */
export async function undoIt(
  ctx: FaultContext,
  name: keyof OperationsSpec,
  memory: DrillMemory,
  values: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { undo: command } = operationOf(ctx.stack.spec, name);
  if (!memory.over) await ctx.stack.operations.endAll(ctx.id);
  await toItsEnd(ctx, name, command, memory, values);
}

async function toItsEnd(
  ctx: FaultContext,
  name: keyof OperationsSpec,
  command: TimedCommand,
  memory: Readonly<Record<string, Json>>,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  await ctx.remember({ ...memory, over: false });
  const { code, said } = await runCommand(ctx, name, command, values);
  await ctx.remember({ ...memory, over: true });
  if (code === 0) return;
  const text = `${command.command.join(" ")} failed (exit code ${code}): ${said}`;
  throw environmentError("operation-failed", text);
}
