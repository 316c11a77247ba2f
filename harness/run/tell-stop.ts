// The journal says why a run is being stopped the moment that it is: how long healing takes is counted from there.
import type { JournalWriter } from "../journal/events.ts";
import { messageOf } from "../support/errors.ts";

/**
 * Writes `stopping` when the signal aborts. What a listener throws would end the process: a journal that takes no more lines (a full disk)
 * is told by `onUnwritable` instead.
 */
export function tellStop(
  journal: Pick<JournalWriter, "write">,
  signal: AbortSignal,
  onUnwritable: (error: unknown) => void,
): void {
  const tell = (): void => {
    try {
      journal.write({ type: "stopping", reason: messageOf(signal.reason) });
    } catch (error) {
      onUnwritable(error);
    }
  };
  signal.addEventListener("abort", tell, { once: true });
}
