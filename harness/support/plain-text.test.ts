import { expect, test } from "vitest";
import { oneLine, plainText, plainTextDeep } from "./plain-text.ts";

test("escape sequences, NUL and other control characters become spaces, line ends stay", () => {
  expect(plainText("a\u001B[31mred\u001B[0m\u0000b\r\nc\td\u009Be")).toBe("a [31mred [0m b\nc d e");
  expect(plainText("Größe ≤ 5 ms, 温度, 👍")).toBe("Größe ≤ 5 ms, 温度, 👍");
  expect(oneLine("a\r\n\u001Bb")).toBe("a b");
});

test("plain data is cleaned to its depth, numbers and nulls are left alone", () => {
  expect(plainTextDeep({ a: ["x\u0007", null, 1], b: { c: "\u001B" }, n: [1, 2] })).toEqual({
    a: ["x ", null, 1],
    b: { c: " " },
    n: [1, 2],
  });
});
