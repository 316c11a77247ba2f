// Things that are added one by one at a steady rate, and kept.
const stepMs = 50;
const fastest = 1_000;
const largest = 20_000;

export function checkRate({ perSecond, most }) {
  if (!(perSecond > 0 && perSecond <= fastest))
    throw new Error(`perSecond must be above 0 and at most ${fastest}`);
  if (!(Number.isInteger(most) && most > 0 && most <= largest))
    throw new Error(`most must be a whole number from 1 to ${largest}`);
}

/**
 * Calls `add` perSecond times a second while `count` is below `most`. A turn that had nothing to add, or failed, is not made up for: what
 * is lost comes back at the rate, not in a storm. Ends with clearInterval.
 */
export function atRate({ perSecond, most }, count, add) {
  const startedAtMs = performance.now();
  let turns = 0;
  return setInterval(() => {
    const due = Math.floor(((performance.now() - startedAtMs) / 1_000) * perSecond);
    for (; turns < due; turns++) if (count() < most) add();
  }, stepMs);
}
