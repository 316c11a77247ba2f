// Durations as people write them ("250ms", "90s", "1h30m") and as the engine keeps them (milliseconds).

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof unitMs;

/** A duration in scenario files: a text such as "48h", "1h30m", "250ms". Bare numbers are refused because their unit is a guess. */
export type Duration = string;

const wholePattern = /^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/;
const partPattern = /(\d+(?:\.\d+)?)(ms|[smhd])/g;

/** Milliseconds of a text such as "1h30m", or undefined where it is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (!wholePattern.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(partPattern)) totalMs += Number(amount) * unitMs[unit as Unit];
  return totalMs;
}

/** Shortest exact text for whole units: 5_400_000 is "1h30m", 1_500 is "1.5s", 250 is "250ms". */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1_000) return `${round(ms)}ms`;
  const parts: string[] = [];
  let restMs = ms;
  for (const unit of ["d", "h", "m"] as const) {
    // A burn-in of 48 hours is called 48h, not 2d.
    if (unit === "d" && ms < 7 * unitMs.d) continue;
    const count = Math.floor(restMs / unitMs[unit]);
    if (count > 0) parts.push(`${count}${unit}`);
    restMs -= count * unitMs[unit];
  }
  const seconds = round(restMs / 1_000);
  if (seconds > 0 || parts.length === 0) parts.push(`${seconds}s`);
  return parts.join("");
}

/** Clock-like text of a point on the timeline: "00:01:30" or "00:01:30.250" where the millisecond matters. */
export function formatOffset(ms: number, withMs = false): string {
  const total = Math.abs(withMs ? Math.round(ms) : Math.round(ms / 1_000) * 1_000);
  const sign = ms < 0 && total > 0 ? "-" : "";
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const base = `${sign}${two(total / unitMs.h)}:${two((total % unitMs.h) / unitMs.m)}:${two((total % unitMs.m) / unitMs.s)}`;
  return withMs ? `${base}.${String(total % 1_000).padStart(3, "0")}` : base;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
