// When the chaos windows are: at a fixed interval, or at one drawn anew for each from a range.
import type { WindowTimes } from "../scenario/scenario.ts";
import type { Interval } from "../support/intervals.ts";
import type { Rng } from "../support/rng.ts";
import { drawnBy } from "./draw-options.ts";
import { drawMs } from "./resolve-fault.ts";

/** Every window that lies wholly before `endMs`. */
export function drawWindows({ everyMs, forMs, firstAtMs }: WindowTimes, endMs: number, rng: Rng): Interval[] {
  const chooser = drawnBy(rng);
  const found: Interval[] = [];
  for (
    let startMs = drawMs(firstAtMs, chooser);
    startMs + forMs <= endMs;
    startMs += drawMs(everyMs, chooser)
  )
    found.push({ startMs, endMs: startMs + forMs });
  return found;
}
