import { expect, test } from "vitest";
import { drawOptions, extremes, type Options } from "./draw-options.ts";

test("the ends are every combination of ranges, hold and list entries", () => {
  const options: Options = {
    link: { oneOf: ["a", "b", "c"] },
    delayMs: [10, 20],
    jitterMs: [1, 5],
    fixed: 7,
  };
  const seen = extremes(options).map((chooser) => {
    const { link, delayMs, jitterMs, fixed } = drawOptions(options, chooser);
    return JSON.stringify([link, delayMs, jitterMs, fixed, chooser.between(0, 1, "hold")]);
  });
  const wanted = ["a", "b", "c"].flatMap((link) =>
    [10, 20].flatMap((delay) =>
      [1, 5].flatMap((jitter) => [0, 1].map((hold) => JSON.stringify([link, delay, jitter, 7, hold]))),
    ),
  );
  expect(seen.toSorted()).toEqual(wanted.toSorted());
});

test("many ranges are taken at all lower and all upper ends, with either hold", () => {
  const options: Options = Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [`o${index}`, [1, 2]]),
  );
  const seen = extremes(options).map((chooser) => Object.values(drawOptions(options, chooser)));
  const all = (end: number): number[] => Object.keys(options).map(() => end);
  expect(seen).toEqual([all(1), all(1), all(2), all(2)]);
});
