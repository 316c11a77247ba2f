// Keeps Toxiproxy in being for a living run. All traffic goes through it, so one that is frozen or dead is replaced at once: on the same ports,
// with what Kiln had asked of the old one. A call that found it gone is made once more; harm that was being lifted never reaches the
// new one. Whoever is told of the changes (the journal) learns for how long it may have been gone.
import type { Clock } from "../support/clock.ts";
import { messageOf } from "../support/errors.ts";
import { cleanLinks, type DesiredLink } from "./replace-control-plane.ts";
import type { StackRecord, Toxic } from "./stack.ts";
import { isUnanswered, type ToxiproxyControl } from "./toxiproxy.ts";

export interface ControlPlaneChange {
  readonly state: "gone" | "replaced";
  readonly what: string;
  /** On the clock: when it was last known to be well. */
  readonly fromMs: number;
}

export interface ControlPlaneParts {
  readonly record: StackRecord;
  /** Calls to whatever Toxiproxy listens on the record's port. */
  readonly control: ToxiproxyControl;
  /** Puts a new one, in this state, in the place of the old one; rejects when it cannot. */
  readonly replace: (desired: ReadonlyMap<string, DesiredLink>) => Promise<void>;
  readonly onChange: (change: ControlPlaneChange) => void;
  readonly clock: Clock;
}

/** A Toxiproxy that is replaced when it gives no answer; `control` is used like that of the plain one. */
export class ControlPlane {
  readonly #parts: ControlPlaneParts;
  /** What has been asked and done so far, by link. */
  readonly #desired: Map<string, { enabled: boolean; toxics: Map<string, Toxic> }>;
  readonly control: ToxiproxyControl;
  #lastWellMs: number;
  /** How often it was replaced: tells a call whether somebody else has replaced it meanwhile. */
  #replacements = 0;
  #replacing: Promise<void> | undefined;
  #looking = false;
  #closed = false;

  constructor(parts: ControlPlaneParts) {
    this.#parts = parts;
    this.#lastWellMs = parts.clock.nowMs();
    this.#desired = new Map(
      [...cleanLinks(parts.record)].map(([link]) => [link, { enabled: true, toxics: new Map() }]),
    );
    this.control = this.#kept(parts.control);
  }

  /** Looks for a sign of life and replaces it when there is none. One look at a time. Never rejects: what it cannot do is told as "gone". */
  async look(): Promise<void> {
    if (this.#looking || this.#closed) return;
    this.#looking = true;
    const seen = this.#replacements;
    try {
      await this.#ask((control) => control.version());
    } catch (error) {
      // Whoever cannot say its version is no Toxiproxy that works, whatever it answered. A replacement that fails has said so.
      await this.#renew(seen, error).catch(() => undefined);
    } finally {
      this.#looking = false;
    }
  }

  /** Another process has taken back every fault behind this one's back: a new Toxiproxy is given none of them. */
  forgetHarm(): void {
    for (const name of this.#desired.keys()) this.#desired.set(name, { enabled: true, toxics: new Map() });
  }

  /** Nothing is replaced any more; resolves when what was under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#replacing?.catch(() => undefined);
  }

  #kept(plain: ToxiproxyControl): ToxiproxyControl {
    const again = <T>(work: () => Promise<T>): Promise<T> => this.#call(work, work);
    return {
      version: () => again(() => plain.version()),
      createProxy: (proxy) => again(() => plain.createProxy(proxy)),
      state: (proxy) => again(() => plain.state(proxy)),
      // Harm counts as asked for once it is in, and as lifted from the moment that lifting begins: a new Toxiproxy gets no more than is due.
      addToxic: async (proxy, toxic) => {
        await again(() => plain.addToxic(proxy, toxic));
        this.#link(proxy).toxics.set(toxic.name, toxic);
      },
      updateToxic: async (proxy, toxic, how) => {
        const found = await again(() => plain.updateToxic(proxy, toxic, how));
        const { toxics } = this.#link(proxy);
        // One that was removed meanwhile stays removed.
        if (found && toxics.has(toxic.name)) toxics.set(toxic.name, toxic);
        return found;
      },
      removeToxic: (proxy, name) => {
        this.#link(proxy).toxics.delete(name);
        return this.#call(() => plain.removeToxic(proxy, name), itNeverGotIt);
      },
      setEnabled: async (proxy, enabled) => {
        const link = this.#link(proxy);
        if (enabled) link.enabled = true;
        const set = (): Promise<void> => plain.setEnabled(proxy, enabled);
        await this.#call(set, enabled ? itNeverGotIt : set);
        link.enabled = enabled;
      },
    };
  }

  #link(name: string): { enabled: boolean; toxics: Map<string, Toxic> } {
    const link = this.#desired.get(name) ?? { enabled: true, toxics: new Map<string, Toxic>() };
    this.#desired.set(name, link);
    return link;
  }

  /** Makes a call; when Toxiproxy turns out to be gone, waits for the new one and goes on with `then`. */
  async #call<T>(work: () => Promise<T>, then: () => Promise<T>): Promise<T> {
    // One that fails has been told of; this call then finds out for itself and tries again.
    await this.#replacing?.catch(() => undefined);
    const seen = this.#replacements;
    try {
      return await this.#ask(work);
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      await this.#renew(seen, error);
      return then();
    }
  }

  /** Any answer is a sign of life from the time at which it was asked for. */
  async #ask<T>(work: (control: ToxiproxyControl) => Promise<T>): Promise<T> {
    const askedMs = this.#parts.clock.nowMs();
    const well = (): void => void (this.#lastWellMs = Math.max(this.#lastWellMs, askedMs));
    try {
      const answer = await work(this.#parts.control);
      well();
      return answer;
    } catch (error) {
      if (!isUnanswered(error)) well();
      throw error;
    }
  }

  /** Resolves when it was replaced since `seen`: by this call, or by somebody else's. */
  async #renew(seen: number, cause: unknown): Promise<void> {
    if (this.#replacements > seen) return;
    if (this.#closed) throw cause;
    this.#replacing ??= this.#replace(cause).finally(() => void (this.#replacing = undefined));
    await this.#replacing;
  }

  async #replace(cause: unknown): Promise<void> {
    const { replace, onChange, clock } = this.#parts;
    const fromMs = this.#lastWellMs;
    const gone = (what: string): void => onChange({ state: "gone", what, fromMs });
    gone(`${messageOf(cause)}; Toxiproxy is being replaced`);
    try {
      await replace(this.#desired);
    } catch (error) {
      gone(`Toxiproxy could not be replaced: ${messageOf(error)}`);
      throw error;
    }
    this.#replacements += 1;
    this.#lastWellMs = clock.nowMs();
    const seconds = ((this.#lastWellMs - fromMs) / 1_000).toFixed(2);
    const what = `Toxiproxy was replaced on its ports; it had been gone for at most ${seconds} s`;
    onChange({ state: "replaced", what, fromMs });
  }
}

/** What was to be lifted is not in the new one: there is nothing left to do. */
const itNeverGotIt = (): Promise<void> => Promise.resolve();
