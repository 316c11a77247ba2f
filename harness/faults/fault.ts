// The contract of a fault: one harm and its three verbs. A fault module is a plain object in one file that imports only this contract
// and support/: every effect goes through the context. A fault knows nothing of time, order, the journal or other faults.
import type { z } from "zod";
import type { Capability, StackSpec } from "../scenario/stack-spec.ts";
import type { StackHandle } from "../stack/stack.ts";
import type { Clock } from "../support/clock.ts";
import type { Json } from "../support/json.ts";

/** How hard a watchdog may react, in rising order. */
export const recoveryLevels = ["none", "soft", "medium", "hard", "emergency"] as const;
export type RecoveryLevel = (typeof recoveryLevels)[number];

export interface Expectation {
  /** The watchdog's right answer: anything between these two levels. atLeast "none" means that doing nothing is right. */
  readonly recovery: { readonly atLeast: RecoveryLevel; readonly atMost: RecoveryLevel };
  /** Whom the reaction is about; null where no reaction is demanded. */
  readonly service: string | null;
  /** By when the watchdog must have acted, counted from effective, milliseconds; null where nothing is demanded. */
  readonly actWithinMs: number | null;
  /** True when the service's process may be replaced because of this fault. */
  readonly restarts: boolean;
  /**
   * True where nothing in the stack is expected to bring the target's process back: the stack driver, as its init, starts it again, after
   * heal of a held fault, or when the recovery objective of a momentary one has passed. It is no rescue then.
   */
  readonly revivedByDriver?: true;
  /**
   * True of a held fault that undoes what the stack does about it: a reaction is demanded all the same, but users can only be served again
   * once it is healed.
   */
  readonly keptUp?: true;
  /** Time without service that this fault may cost, milliseconds: it goes into the plan's budget. */
  readonly unavailableMs: number;
}

/** What an expectation may depend on besides the fault's own options. */
export interface ExpectationScene {
  readonly stack: StackSpec;
  /** How long a held fault stays in; 0 for momentary faults. */
  readonly holdMs: number;
}

/** What a look at the data path showed. `effective` false means: looked, and it does not bite (yet). */
export interface Confirmation {
  readonly effective: boolean;
  /** One sentence for the report: what was looked at and what was seen. */
  readonly saw: string;
  /** Asked and measured size of the harm in one unit, where it has one. */
  readonly magnitude?: { readonly asked: number; readonly measured: number; readonly unit: string };
  /**
   * Of a fault that wrote a valid configuration state: SHA-256 of its values as canonical JSON. Serving exactly these is planned while
   * the fault is in.
   */
  readonly plannedValuesHash?: string;
  /** Of a drill, with `effective` false: what was seen speaks against it. Without this nothing could be told. */
  readonly disproved?: true;
}

export interface FaultContext {
  /** Unique in the run; names the toxic, the agent's job and the ledger entry. */
  readonly id: string;
  readonly stack: StackHandle;
  readonly clock: Clock;
  /** Aborts when the step's time is up. */
  readonly signal: AbortSignal;
  /** Milliseconds after which a fault that can time itself out (agent, control endpoint) must end by itself. */
  readonly selfHealMs: number;
  /**
   * Writes what heal will need (such as a file's former hash) into the ledger, flushed to disk before it resolves.
   * Call it before the change it describes. Replaces what was remembered before.
   */
  remember(memory: Json): Promise<void>;
  /** What was last remembered under this id, also by a process that is dead now. */
  recall(): Json | undefined;
}

/** How long each verb may take, milliseconds; confirm counts from the end of inject. */
export interface VerbTimes {
  readonly injectMs: number;
  readonly confirmMs: number;
  readonly healMs: number;
}

export interface Fault<Options extends object = object> {
  readonly name: string;
  /** One sentence for README's table and `kiln plan`. */
  readonly summary: string;
  readonly needs: readonly Capability[];
  /** Parsed once, when the plan is made, after ranges are drawn. */
  readonly options: z.ZodType<Options>;
  readonly kind: "momentary" | "held";
  /** What it hits, such as "link:postgres": two faults on one target never overlap. */
  target(options: Options): string;
  expect(options: Options, scene: ExpectationScene): Expectation;
  /** How long confirm may take from the end of inject until it is effective, milliseconds; default 8000. */
  readonly confirmWithinMs?: number;
  /** Where the usual times (10 s; 4 s for healing by another process) are not enough: those of this one. */
  times?(options: Options, stack: StackSpec): VerbTimes;
  inject(ctx: FaultContext, options: Options): Promise<void>;
  /**
   * Harm that has to be kept up: runs beside confirm from the end of inject until heal begins, when its signal aborts (it then resolves or
   * rejects at once, both are fine). A rejection before that breaks the fault. What it does must be undone by heal from the ledger
   * entry alone, and must end or stay harmless when this process dies.
   */
  sustain?(ctx: FaultContext, options: Options): Promise<void>;
  /** Only looks, once, on the data path. The caller repeats it until it is effective or its deadline passes. */
  confirm(ctx: FaultContext, options: Options): Promise<Confirmation>;
  /** Idempotent; works after half an inject and in a new process; never overwrites what somebody repaired meanwhile. */
  heal(ctx: FaultContext, options: Options): Promise<void>;
}

/** Keeps a fault's options typed inside its module and erases them for the table. */
export function defineFault<Options extends object>(fault: Fault<Options>): Fault<Options> {
  return fault;
}

/** name -> fault. The engine sees options as opaque: they were parsed by the fault's own schema. */
export type FaultTable = ReadonlyMap<string, Fault>;
