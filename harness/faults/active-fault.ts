// The life of one planned fault: idle -> injecting -> active -> healing -> healed, and `broken` from wherever a verb failed, from which only
// heal leads on. Each verb has a deadline, each change of state is journalled, and the ledger knows of the fault before the world does.
//
// One verb at a time: heal first ends an inject or a confirm that is still under way. Time is the clock's, so it also runs on a virtual one.
import type { ActiveState, EventOf, JournalBody } from "../journal/events.ts";
import type { FaultStep } from "../plan/plan.ts";
import type { StackHandle } from "../stack/stack.ts";
import { sleep, type Clock } from "../support/clock.ts";
import { crashPoint } from "../support/crash-point.ts";
import { environmentError, messageOf, usageError } from "../support/errors.ts";
import type { Confirmation, Fault, FaultContext, FaultTable, VerbTimes } from "./fault.ts";
import type { FaultLedger, Healer } from "./fault-ledger.ts";
import { end, type Running } from "./running.ts";
import { withinDeadline } from "./within-deadline.ts";

export type { FaultLedger, Healer } from "./fault-ledger.ts";

export interface ActiveFaultParts {
  readonly fault: Fault;
  readonly step: Pick<FaultStep, "id" | "fault" | "options" | "startMs" | "healMs">;
  readonly stack: StackHandle;
  readonly clock: Clock;
  /** `atMs` is on the journal's axis; without it, an event is of now. */
  readonly journal: { write(body: JournalBody, atMs?: number): unknown };
  readonly ledger: FaultLedger;
  /** Who heals; default "harness". */
  readonly by?: Healer;
  /** "left-behind": the ledger of a dead process names it; it can only be healed. Default "planned". */
  readonly origin?: "planned" | "left-behind";
  readonly limits?: Partial<VerbLimits>;
  /** A fault that can end by itself does so this long after Kiln should have healed it; default 60 s. */
  readonly selfHealSlackMs?: number;
}

/** Default: the fault's own `times`, its confirmWithinMs, or 10 s (8 s for confirm). */
export interface VerbLimits extends VerbTimes {
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
const defaultSelfHealSlackMs = 60_000;
const neverLooked: Confirmation = { effective: false, saw: "there was no time for a look" };

type FaultState = EventOf<"fault">;

export class ActiveFault {
  readonly #parts: ActiveFaultParts;
  readonly #limits: VerbLimits;
  readonly #by: Healer;
  #state: ActiveState;
  /** The ledger knows of it. */
  #announced = false;
  /** When inject had come to rest, on the clock. */
  #injectedMs = Infinity;
  /** The verb that runs, if one does. */
  #running: Running | undefined;
  /** What keeps the harm up, from inject to heal. */
  #sustained: Running | undefined;

  constructor(parts: ActiveFaultParts) {
    this.#parts = parts;
    const { fault, step, stack } = parts;
    const confirmMs = fault.confirmWithinMs ?? defaultLimits.confirmMs;
    const own = fault.times?.(step.options, stack.spec);
    this.#limits = { ...defaultLimits, confirmMs, ...own, ...parts.limits };
    this.#by = parts.by ?? "harness";
    this.#state = parts.origin === "left-behind" ? "broken" : "idle";
  }

  get state(): ActiveState {
    return this.#state;
  }

  /** From idle only. Tells the ledger ahead of time: inject then acts at the instant at which it is called. Rejects as the ledger does. */
  async announce(): Promise<void> {
    if (this.#state !== "idle") throw this.#misuse("announce");
    const { step, ledger } = this.#parts;
    await ledger.fault(step.id, step.fault, step.options);
    this.#announced = true;
  }

  /** From idle only. Rejects with `fault-inject-failed` and leaves the fault broken: it may be half in, so it wants healing. */
  async inject(signal?: AbortSignal): Promise<void> {
    if (this.#state !== "idle") throw this.#misuse("inject");
    const { fault, step, ledger, clock } = this.#parts;
    const announced = this.#announced;
    const callMs = Math.round(clock.nowMs() * 1_000) / 1_000;
    this.#enter("injecting", announced ? { plannedMs: step.startMs, callMs } : {});
    try {
      // Nothing is awaited between the line above and the call of an announced fault.
      await this.#run("inject", this.#limits.injectMs, signal, async (ctx) => {
        if (!announced) await ledger.fault(step.id, step.fault, step.options);
        ctx.signal.throwIfAborted();
        await fault.inject(ctx, step.options);
      });
      this.#injectedMs = clock.nowMs();
      this.#enter("active");
      this.#keepUp();
    } catch (error) {
      const reason = messageOf(error);
      this.#enter("broken", { error: reason });
      throw environmentError("fault-inject-failed", `${step.id}: ${reason}`, { cause: error });
    }
  }

  /** Starts the fault's sustain, which goes on until heal ends it. Failing earlier breaks the fault: its harm is not what was asked. */
  #keepUp(): void {
    const { fault, step, journal } = this.#parts;
    if (fault.sustain === undefined) return;
    const stop = new AbortController();
    const settled = fault.sustain(this.#context(stop.signal), step.options).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      const reason = `it could not be kept up: ${messageOf(error)}`;
      if (this.#state === "active") this.#enter("broken", { error: reason });
      else journal.write({ type: "note", level: "warning", text: `${step.id}: ${reason}` });
    });
    this.#sustained = { stop, settled };
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
   * From any state, as often as wanted. Idle (an announcement is withdrawn) and healed are left as they are. Resolves to true when nothing of the fault is left, to false
   * when healing failed (the fault is broken then, the ledger says so, and heal may be called again). Does not reject for the world's
   * faults.
   */
  async heal(signal?: AbortSignal): Promise<boolean> {
    const left = await this.#endAll();
    if (this.#state === "idle") return this.#withdraw();
    if (this.#state === "healed" || (left === undefined && this.#wasHealedElsewhere())) return true;
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
      this.#enter("broken", { error: reason });
      await this.#toLedger(() => ledger.healFailed(step.id, this.#by, reason));
      return false;
    }
  }

  /**
   * For a process that was stopped for long and runs again: what another one has healed meanwhile is over here, too, whatever its plan says.
   */
  async catchUp(): Promise<void> {
    if (this.#state === "idle" || this.#state === "healed") return;
    if (this.#parts.ledger.healedElsewhere?.(this.#parts.step.id) !== undefined) await this.heal();
  }

  /** That heal was its end, unless something of it may have acted since: an inject that was under way, or what keeps it up. */
  #wasHealedElsewhere(): boolean {
    const { fault, step, ledger } = this.#parts;
    const done = ledger.healedElsewhere?.(step.id);
    if (done === undefined || fault.sustain !== undefined || done.beganMs < this.#injectedMs) return false;
    this.#enter("healed", { by: done.by }, done.journalMs);
    return true;
  }

  /** Takes back an announcement that was not followed by an inject: nothing is in the world. */
  async #withdraw(): Promise<boolean> {
    const { step, ledger } = this.#parts;
    if (this.#announced) this.#announced = !(await this.#toLedger(() => ledger.healed(step.id, this.#by)));
    return true;
  }

  /** Writes an entry without which the ledger still holds the fault as open, which is the safe side. False when it cannot. */
  async #toLedger(write: () => void | Promise<void>): Promise<boolean> {
    const { step, journal } = this.#parts;
    try {
      await write();
      return true;
    } catch (error) {
      const text = `${step.id}: the ledger could not be written: ${messageOf(error)}`;
      journal.write({ type: "note", level: "error", text });
      return false;
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
    verb: "inject" | "confirm" | "heal",
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
        crashPoint(`${verb}-before`);
        await act(this.#context(limited));
        crashPoint(`${verb}-after`);
      } finally {
        resolve();
        if (this.#running === running) this.#running = undefined;
      }
    };
    await withinDeadline({ what: verb, limitMs, clock: this.#parts.clock, parent }, acting);
  }

  /** Ends what is under way: verb and sustain. Resolves to the description of what has not come to rest within the time for healing. */
  async #endAll(): Promise<string | undefined> {
    const { clock } = this.#parts;
    const was = this.#state;
    if (this.#running !== undefined && !(await end(this.#running, this.#limits.healMs, clock)))
      return `a verb of state ${was}`;
    if (this.#sustained !== undefined && !(await end(this.#sustained, this.#limits.healMs, clock)))
      return "what keeps it up";
    this.#sustained = undefined;
    return undefined;
  }

  #context(signal: AbortSignal): FaultContext {
    const { step, stack, clock, ledger, selfHealSlackMs = defaultSelfHealSlackMs } = this.#parts;
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

  #enter(
    state: ActiveState,
    more: Pick<FaultState, "error" | "by" | "plannedMs" | "callMs"> = {},
    atMs?: number,
  ): void {
    this.#state = state;
    this.#parts.journal.write({ type: "fault", id: this.#parts.step.id, state, ...more }, atMs);
  }

  #misuse(verb: string): Error {
    return new TypeError(`${this.#parts.step.id}: ${verb} from state ${this.#state}`);
  }
}
