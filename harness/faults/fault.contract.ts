// What every fault must keep, tried on real parts. A fault's own test calls `faultContract` with its options and adds what is special.
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { deadline, eventually, systemClock } from "../support/clock.ts";
import { canonicalJson } from "../support/json.ts";
import type { Confirmation, Fault, FaultContext } from "./fault.ts";
import { faultTable } from "./index.ts";
import type { TestStack } from "./testing/test-stack.ts";

export interface ContractCase<Options extends object> {
  readonly fault: Fault<Options>;
  readonly options: Options;
  /** The same fault on another target: the look at `options` must not take it for its own. */
  readonly wrongTarget: Options;
  /** Puts in about half of the harm, or something that looks like it but is not. */
  readonly weaker: (ctx: FaultContext, fault: Fault<Options>, options: Options) => Promise<void>;
  readonly start: () => Promise<TestStack>;
  /** What is left of the fault, in words; nothing when all is well. For momentary faults: what Kiln itself left. */
  readonly residues: (stack: TestStack, id: string) => Promise<readonly string[]>;
  /**
   * For faults that change something which somebody else may repair meanwhile: does that, in the fault's presence, and returns what
   * the repair left, so that it can be seen unharmed after heal. Absent where there is nothing to overwrite (say why in the test).
   */
  readonly repair?: (stack: TestStack, id: string) => Promise<() => Promise<unknown>>;
  /** Makes the stack good again after each test, where heal alone is not meant to. */
  readonly mend?: (stack: TestStack) => Promise<void>;
}

export function faultContract<Options extends object>(theCase: ContractCase<Options>): void {
  const { fault, options } = theCase;
  describe(`${fault.name}: contract`, () => {
    const trial = new Trial(theCase);
    beforeAll(() => trial.open());
    afterEach(() => trial.tidyUp());
    afterAll(() => trial.close());
    describePlainParts(fault, options);
    describeLife(fault, options, trial);
    describeDoubt(theCase, trial);
    if (theCase.repair !== undefined) describeRepair(theCase, theCase.repair, trial);
  });
}

/** One stack for all tests of a case; each test has a fault id of its own. */
class Trial<Options extends object> {
  readonly #case: ContractCase<Options>;
  #stack: TestStack | undefined;
  #id = "";

  constructor(theCase: ContractCase<Options>) {
    this.#case = theCase;
  }

  get stack(): TestStack {
    if (this.#stack === undefined) throw new Error("the stack is not up");
    return this.#stack;
  }

  /** The context of a process that knows nothing but the ledger. */
  fresh(): FaultContext {
    if (this.#id === "") this.#id = `f-${randomUUID()}`;
    return this.stack.context(this.#id);
  }

  async open(): Promise<void> {
    this.#stack = await this.#case.start();
  }

  async close(): Promise<void> {
    await this.#stack?.stop();
  }

  async tidyUp(): Promise<void> {
    await this.#case.fault.heal(this.fresh(), this.#case.options);
    await this.#case.mend?.(this.stack);
    this.#id = "";
  }

  get id(): string {
    return this.#id;
  }

  residues(): Promise<readonly string[]> {
    return this.#case.residues(this.stack, this.#id);
  }
}

/** Runs a fault's sustain as the engine does; `end` ends it and waits for it. */
function keepUp<Options extends object>(
  fault: Fault<Options>,
  options: Options,
  trial: Trial<Options>,
): { end(): Promise<void> } {
  const stop = new AbortController();
  const ctx: FaultContext = { ...trial.fresh(), signal: stop.signal };
  const failure = fault.sustain?.(ctx, options).then(
    () => undefined,
    (error: unknown) => (stop.signal.aborted ? undefined : error),
  );
  return {
    end: async () => {
      stop.abort(new Error("ended in order to heal"));
      expect(await failure).toBeUndefined();
    },
  };
}

/** With KILN_FAULT_TABLE=<file> each fault adds a line there: fault, options, asked, measured, milliseconds to confirm and to heal. */
function tell(name: string, options: object, seen: Confirmation, confirmMs: number, healMs: number): void {
  const file = process.env["KILN_FAULT_TABLE"];
  if (file === undefined) return;
  const { asked = "", measured = "", unit = "" } = seen.magnitude ?? {};
  const cells = [
    name,
    JSON.stringify(options),
    asked,
    measured,
    unit,
    Math.round(confirmMs),
    Math.round(healMs),
  ];
  appendFileSync(file, `${cells.join("\t")}\n`);
}

function describePlainParts<Options extends object>(fault: Fault<Options>, options: Options): void {
  it("is in the table under its name", () => {
    expect(faultTable.get(fault.name)).toBe(fault);
  });

  it("takes its options as plain data, again after parsing, and refuses unknown ones by name", () => {
    const parsed = fault.options.parse(options);
    expect(fault.options.parse(JSON.parse(canonicalJson(parsed)))).toEqual(parsed);
    const refused = fault.options.safeParse({ ...options, misspelt: 1 });
    expect(refused.error?.message).toContain("misspelt");
    expect(fault.options.safeParse({}).success).toBe(false);
  });

  it("says what it hits", () => {
    expect(fault.target(options)).toMatch(/^(?:link|service|config):[\w-]+$/);
  });
}

function describeLife<Options extends object>(
  fault: Fault<Options>,
  options: Options,
  trial: Trial<Options>,
): void {
  /** As the engine does it: look again until it bites. */
  const untilEffective = (ctx: FaultContext): Promise<Confirmation> =>
    eventually(
      async () => {
        const seen = await fault.confirm(ctx, options);
        return seen.effective ? seen : undefined;
      },
      deadline(25_000),
      250,
    );

  it("bites, says how hard, and leaves nothing once healed", async () => {
    const startedMs = systemClock.nowMs();
    await fault.inject(trial.fresh(), options);
    const sustained = keepUp(fault, options, trial);
    const seen = await untilEffective(trial.fresh());
    const effectiveMs = systemClock.nowMs();
    expect(seen.saw).not.toBe("");
    if (seen.magnitude !== undefined)
      expect(seen.magnitude.measured / seen.magnitude.asked).toBeCloseTo(1, 0);
    await sustained.end();
    const healingMs = systemClock.nowMs();
    await fault.heal(trial.fresh(), options);
    tell(fault.name, options, seen, effectiveMs - startedMs, systemClock.nowMs() - healingMs);
    expect(await trial.residues()).toEqual([]);
    if (fault.kind === "held")
      expect(await fault.confirm(trial.fresh(), options)).toMatchObject({ effective: false });
  });

  it("can be healed twice, by processes that did not inject it", async () => {
    await fault.inject(trial.fresh(), options);
    const sustained = keepUp(fault, options, trial);
    await sustained.end();
    await fault.heal(trial.fresh(), options);
    await fault.heal(trial.fresh(), options);
    expect(await trial.residues()).toEqual([]);
  });

  it("can be healed although it was never injected", async () => {
    await fault.heal(trial.fresh(), options);
    expect(await trial.residues()).toEqual([]);
  });

  it("can be healed after an inject that was cut off where it remembers", async () => {
    const ctx = trial.fresh();
    const cutOff = new Error("the process died here");
    const dying: FaultContext = {
      ...ctx,
      remember: async (memory) => ctx.remember(memory).then(() => Promise.reject(cutOff)),
    };
    // A fault that remembers nothing is simply injected.
    await fault.inject(dying, options).catch((error: unknown) => expect(error).toBe(cutOff));
    await fault.heal(trial.fresh(), options);
    expect(await trial.residues()).toEqual([]);
  });
}

function describeDoubt<Options extends object>(theCase: ContractCase<Options>, trial: Trial<Options>): void {
  const { fault, options, wrongTarget, weaker } = theCase;

  it("is not confirmed when inject did nothing", async () => {
    expect(await fault.confirm(trial.fresh(), options)).toMatchObject({ effective: false });
  });

  it("is not confirmed at about half its strength", async () => {
    await weaker(trial.fresh(), fault, options);
    expect(await fault.confirm(trial.fresh(), options)).toMatchObject({ effective: false });
  });

  it("is not confirmed when it hit another target", async () => {
    await fault.inject(trial.fresh(), wrongTarget);
    const seen = await fault.confirm(trial.fresh(), options);
    await fault.heal(trial.fresh(), wrongTarget);
    expect(seen).toMatchObject({ effective: false });
  });
}

function describeRepair<Options extends object>(
  { fault, options }: ContractCase<Options>,
  repair: (stack: TestStack, id: string) => Promise<() => Promise<unknown>>,
  trial: Trial<Options>,
): void {
  it("does not overwrite what somebody repaired meanwhile", async () => {
    await fault.inject(trial.fresh(), options);
    const look = await repair(trial.stack, trial.id);
    const repaired = await look();
    await fault.heal(trial.fresh(), options);
    expect(await look()).toEqual(repaired);
    expect(await trial.residues()).toEqual([]);
  });
}
