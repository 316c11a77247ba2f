// A fault that is taken out again before it can be confirmed proves nothing, however long the run: better refused when the plan is made.
import { usageError } from "../support/errors.ts";
import { formatDuration } from "../support/duration.ts";

/** A look that begins late, on a busy machine, must still end within the hold. */
const slackMs = 1_000;

/** Throws `fault-hold-too-short` (usage) unless the fault stays in for as long as a look at it takes, and a second. */
export function requireHold(fault: string, holdMs: number, lookMs: number): void {
  const leastMs = lookMs + slackMs;
  if (holdMs >= leastMs) return;
  const text = `${fault}: held for ${formatDuration(holdMs)} it could not be confirmed, which takes ${formatDuration(lookMs)}`;
  throw usageError("fault-hold-too-short", text, {
    hint: `hold it for ${formatDuration(leastMs)} or longer`,
  });
}
