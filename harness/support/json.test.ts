import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, sha256 } from "./json.ts";

test("keys are sorted at every depth and white space is left out", () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }], a: "x y" })).toBe('{"a":"x y","b":[{"c":null,"d":1}]}');
});

test("the order in which keys were set makes no difference", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).toReversed());
      expect(canonicalJson(turned)).toBe(canonicalJson(value));
    }),
  );
});

test("it is JSON of the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("undefined is left out of objects and null in lists, as in JSON", () => {
  expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  expect(canonicalJson([undefined, 1])).toBe("[null,1]");
});

test.each([NaN, Infinity, -Infinity])("%d is refused", (value) => {
  expect(() => canonicalJson({ deep: [value] })).toThrow(TypeError);
});

test("SHA-256 in lower-case hexadecimal", () => {
  // FIPS 180-2, appendix B.1.
  expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(sha256(new TextEncoder().encode("abc"))).toBe(sha256("abc"));
});
