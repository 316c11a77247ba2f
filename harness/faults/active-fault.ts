// The life of one planned fault: idle -> injecting -> active -> healing -> healed, and `broken` from wherever a verb failed, from which only
// heal leads on. Each verb has a deadline, each change of state is journalled, and the ledger knows of the fault before the world does.
//
// One verb at a time: heal first ends an inject or a confirm that is still under way. Time is the clock's, so it also runs on a virtual one.
import type { ActiveState, JournalBody } from "../journal/events.ts";
import type { FaultStep } from "../plan/plan.ts";
import type { StackHandle } from "../stack/stack.ts";
import { sleep, type Clock } from "../support/clock.ts";
import { environmentError, messageOf, usageError } from "../support/errors.ts";
import type { Json } from "../support/json.ts";
import type { Confirmation, Fault, FaultContext, FaultTable } from "./fault.ts";
import { withinDeadline } from "./within-deadline.ts";

export type Healer = "harness" | "reaper" | "heal";

/** What an active fault needs of the run's ledger. Each write is on disk when it returns (or resolves). */
export interface FaultLedger {
  fault(id: string, fault: string, options: { readonly [key: string]: Json }): void | Promise<void>;
  memory(id: string, memory: Json): void | Promise<void>;
  healed(id: string, by: Healer): void | Promise<void>;
  healFailed(id: string, by: Healer, error: string): void | Promise<void>;
  /** What was last written with `memory` under that id. */
  recall(id: string): Json | undefined;
}

export interface ActiveFaultParts {
  readonly fault: Fault;
  readonly step: Pick<FaultStep, "id" | "fault" | "options" | "startMs" | "healMs">;
  readonly stack: StackHandle;
  readonly clock: Clock;
  readonly journal: { write(body: JournalBody): unknown };
  readonly ledger: FaultLedger;
  /** Who heals; default "harness". */
  readonly by?: Healer;
  /** "left-behind": the ledger of a dead process names it; it can only be healed. Default "planned". */
  readonly origin?: "planned" | "left-behind";
  readonly limits?: Partial<VerbLimits>;
}

export interface VerbLimits {
  readonly injectMs: number;
  /** Default: the fault's own confirmWithinMs, or 8 s. */
  readonly confirmMs: number;
  readonly healMs: number;
  /** Between two looks of confirm. */
  readonly lookEveryMs: number;
}

/** The active fault of a step, its module looked up in the table. Throws `fault-unknown` (usage) when this Kiln does not have it. */
export function createActiveFault(
  request: Omit<ActiveFaultParts, "fault"> & { readonly table: FaultTable },
): ActiveFault {
  const { table, ...parts } = request;
  const fault = table.get(parts.step.fault);
  if (fault === undefined) {
    const hint = "use the version of Kiln that made the plan";
    throw usageError("fault-unknown", `${parts.step.id}: there is no fault "${parts.step.fault}"`, { hint });
  }
  return new ActiveFault({ ...parts, fault });
}

const defaultLimits = { injectMs: 10_000, confirmMs: 8_000, healMs: 10_000, lookEveryMs: 250 };
/** A fault that can end by itself does so this long after Kiln should have healed it. */
const selfHealSlackMs = 60_000;
const neverLooked: Confirmation = { effective: false, saw: "there was no time for a look" };

export class ActiveFault {
  readonly #parts: ActiveFaultParts;
  readonly #limits: VerbLimits;
  readonly #by: Healer;
  #state: ActiveState;
  /** Ends the verb that runs, if one does; `settled` resolves when it has come to rest. */
  #running: { readonly stop: AbortController; readonly settled: Promise<void> } | undefined;

  constructor(parts: ActiveFaultParts) {
    this.#parts = parts;
    const confirmMs = parts.fault.confirmWithinMs ?? defaultLimits.confirmMs;
    this.#limits = { ...defaultLimits, confirmMs, ...parts.limits };
    this.#by = parts.by ?? "harness";
    this.#state = parts.origin === "left-behind" ? "broken" : "idle";
  }

  get state(): ActiveState {
    return this.#state;
  }

  /** From idle only. Rejects with `fault-inject-failed` and leaves the fault broken: it may be half in, so it wants healing. */
  async inject(signal?: AbortSignal): Promise<void> {
    if (this.#state !== "idle") throw this.#misuse("inject");
    const { fault, step, ledger } = this.#parts;
    this.#enter("injecting");
    try {
      await this.#run("inject", this.#limits.injectMs, signal, async (ctx) => {
        await ledger.fault(step.id, step.fault, step.options);
        ctx.signal.throwIfAborted();
        await fault.inject(ctx, step.options);
      });
      this.#enter("active");
    } catch (error) {
      const reason = messageOf(error);
      this.#enter("broken", reason);
      throw environmentError("fault-inject-failed", `${step.id}: ${reason}`, { cause: error });
    }
  }

  /**
   * From active only. Looks until the fault is effective, the time is up, or heal or the signal ends it; journals and returns the last
   * look. A look that fails counts as one that saw nothing.
   */
  async confirm(signal?: AbortSignal): Promise<Confirmation> {
    if (this.#state !== "active") throw this.#misuse("confirm");
    const { step, journal } = this.#parts;
    let last = neverLooked;
    try {
      await this.#run("confirm", this.#limits.confirmMs, signal, async (ctx) => {
        for (;;) {
          last = await this.#look(ctx, last);
          if (last.effective) return;
          await sleep(this.#limits.lookEveryMs, ctx.signal, ctx.clock);
        }
      });
    } catch (error) {
      // Time is up, or somebody ended it: the last look says all there is. Anything else already is part of `saw`.
      last = last === neverLooked ? { ...last, saw: `${last.saw}: ${messageOf(error)}` } : last;
    }
    journal.write({ type: "fault-confirmed", id: step.id, confirmation: last });
    return last;
  }

  /**
   * From any state, as often as wanted. Idle and healed are left as they are. Resolves to true when nothing of the fault is left, to false
   * when healing failed (the fault is broken then, the ledger says so, and heal may be called again). Does not reject for the world's
   * faults.
   */
  async heal(signal?: AbortSignal): Promise<boolean> {
    const left = await this.#endRunning();
    if (this.#state === "idle" || this.#state === "healed") return true;
    const { fault, step, ledger } = this.#parts;
    this.#enter("healing");
    try {
      await this.#run("heal", this.#limits.healMs, signal, (ctx) => fault.heal(ctx, step.options));
      // An inject that does not heed its signal may still act after this heal.
      if (left !== undefined) throw new Error(`${left} did not stop when told to`);
      await ledger.healed(step.id, this.#by);
      this.#enter("healed");
      return true;
    } catch (error) {
      const reason = messageOf(error);
      this.#enter("broken", reason);
      await this.#recordHealFailure(reason);
      return false;
    }
  }

  async #recordHealFailure(reason: string): Promise<void> {
    const { step, ledger, journal } = this.#parts;
    try {
      await ledger.healFailed(step.id, this.#by, reason);
    } catch (error) {
      // Without this line the ledger still holds the fault as not healed, which is the truth that matters.
      journal.write({
        type: "note",
        level: "error",
        text: `${step.id}: the ledger could not be written: ${messageOf(error)}`,
      });
    }
  }

  /** One look; a failed one is told in words. An aborted one keeps what the look before it saw. */
  async #look(ctx: FaultContext, before: Confirmation): Promise<Confirmation> {
    try {
      return await this.#parts.fault.confirm(ctx, this.#parts.step.options);
    } catch (error) {
      if (ctx.signal.aborted && before !== neverLooked) return before;
      return { effective: false, saw: `the look failed: ${messageOf(error)}` };
    }
  }

  /** Runs one verb with a context and a deadline of its own. Rejects as the verb does, or when its time is up although it has not ended. */
  async #run(
    verb: string,
    limitMs: number,
    signal: AbortSignal | undefined,
    act: (ctx: FaultContext) => Promise<void>,
  ): Promise<void> {
    const stop = new AbortController();
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const running = { stop, settled };
    this.#running = running;
    const parent = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
    const acting = async (limited: AbortSignal): Promise<void> => {
      try {
        await act(this.#context(limited));
      } finally {
        resolve();
        if (this.#running === running) this.#running = undefined;
      }
    };
    await withinDeadline({ what: verb, limitMs, clock: this.#parts.clock, parent }, acting);
  }

  /** Ends the verb that is under way. Resolves to its description when it has not come to rest within the time for healing. */
  async #endRunning(): Promise<string | undefined> {
    const running = this.#running;
    if (running === undefined) return undefined;
    const was = this.#state;
    running.stop.abort(new Error("ended in order to heal"));
    const patience = new AbortController();
    const timeUp = sleep(this.#limits.healMs, patience.signal, this.#parts.clock).then(
      () => `a verb of state ${was}`,
      () => undefined,
    );
    const left = await Promise.race([running.settled.then(() => undefined), timeUp]);
    patience.abort();
    return left;
  }

  #context(signal: AbortSignal): FaultContext {
    const { step, stack, clock, ledger } = this.#parts;
    return {
      id: step.id,
      stack,
      clock,
      signal,
      selfHealMs: Math.max(0, step.healMs - step.startMs) + selfHealSlackMs,
      // A verb whose time is up must not go on to the change that it announces here.
      remember: async (memory) => {
        signal.throwIfAborted();
        await ledger.memory(step.id, memory);
        signal.throwIfAborted();
      },
      recall: () => ledger.recall(step.id),
    };
  }

  #enter(state: ActiveState, error?: string): void {
    this.#state = state;
    this.#parts.journal.write({
      type: "fault",
      id: this.#parts.step.id,
      state,
      ...(error === undefined ? {} : { error }),
    });
  }

  #misuse(verb: string): Error {
    return new TypeError(`${this.#parts.step.id}: ${verb} from state ${this.#state}`);
  }
}
