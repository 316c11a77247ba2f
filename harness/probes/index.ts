// The table of probes, and the loop that runs them.
import { deadline, everyTick } from "../support/clock.ts";
import { messageOf } from "../support/errors.ts";
import { journeyProbes } from "./browser-journey.ts";
import { configProbes } from "./config-probe.ts";
import { foreignCpuProbes } from "./foreign-cpu-probe.ts";
import { metricsProbes } from "./metrics-probe.ts";
import type { Probe, ProbeContext, ProbeFactory } from "./probe.ts";
import { processProbes } from "./process-probe.ts";
import { systemProbes } from "./system-probe.ts";
import { watchdogProbes } from "./watchdog-probe.ts";

const factories: readonly ProbeFactory[] = [
  processProbes,
  systemProbes,
  foreignCpuProbes,
  watchdogProbes,
  configProbes,
  metricsProbes,
  journeyProbes,
];

/** A look that takes longer than this is given up; the next one is not delayed for ever. */
const lookDeadlineMs = 2_000;

export interface RunningProbes {
  /** Resolves after every probe's first look, which is the costliest: it searches for the processes. */
  readonly ready: Promise<void>;
  /** Resolves when what probes have started is ended, each probe has looked once more (what was written at the very end is not missed) and all have stopped. */
  stop(): Promise<void>;
}

/** Starts every probe that the stack's description calls for. */
export function startProbes(context: ProbeContext): RunningProbes {
  const ending = new AbortController();
  const probes = factories.flatMap((factory) => factory(context));
  const looks = probes.map((probe) => lookOf(context, probe));
  const first = Promise.all(looks.map((look) => look(context.clock.nowMs())));
  const loops = probes.map(async (probe, index) => {
    await first;
    await everyTick(probe.everyMs, looks[index] ?? (() => {}), ending.signal, context.clock);
  });
  return {
    ready: first.then(() => undefined),
    async stop() {
      ending.abort();
      await Promise.all(loops);
      await Promise.all(probes.map(async (probe) => probe.close?.()));
      await Promise.all(looks.map((look) => look(context.clock.nowMs())));
    },
  };
}

function lookOf(context: ProbeContext, probe: Probe): (atMs: number) => Promise<void> {
  let failing = false;
  return async (atMs) => {
    try {
      await probe.look(atMs, deadline(lookDeadlineMs));
      failing = false;
    } catch (error) {
      // Once per streak: a service that is down for a minute would fill the journal. The missing samples tell the rest.
      if (!failing)
        context.journal.write({
          type: "note",
          level: "warning",
          text: `probe ${probe.name}: ${messageOf(error)}`,
        });
      failing = true;
    }
  };
}
