import { describe, expect, it } from "vitest";
import { canonicalJson, sha256 } from "../support/json.ts";
import { driftKey, driftState, valueAt } from "./drift-state.ts";

const values = { cacheSeconds: 30, limits: { perMinute: 10, strict: true }, greeting: "hello: 1" };
const state = { version: 3, checksum: sha256(canonicalJson(values)), note: "kept", values };
const indented = Buffer.from(`${JSON.stringify(state, null, 2)}\n`);

describe("a drifted state", () => {
  it("differs in one value and its checksum, and is as valid as before", () => {
    const { bytes, valuesHash, was } = driftState(indented, "limits.perMinute", 25);
    const drifted = { ...values, limits: { ...values.limits, perMinute: 25 } };
    expect(JSON.parse(bytes.toString())).toEqual({ ...state, values: drifted, checksum: valuesHash });
    expect(valuesHash).toBe(sha256(canonicalJson(drifted)));
    expect(was).toBe(10);
  });

  it.each([
    ["indented, with an end of line", `${JSON.stringify(state, null, 2)}\n`],
    ["indented by tabs", JSON.stringify(state, null, "\t")],
    ["on one line", JSON.stringify(state)],
  ])("keeps its layout: %s", (_name, text) => {
    const { bytes } = driftState(Buffer.from(text), "limits.strict", false);
    const back = driftState(bytes, "limits.strict", true);
    expect(back.bytes.toString()).toBe(text);
    expect(back.valuesHash).toBe(state.checksum);
  });

  it.each([
    ["no.such", 1, "there is no number, true or false"],
    ["greeting", 1, "there is no number, true or false"],
    ["limits", 1, "there is no number, true or false"],
    ["toString", 1, "there is no number, true or false"],
    ["cacheSeconds", true, "30 is no boolean"],
    ["cacheSeconds", 30, "it is 30 already"],
  ])("refuses %s = %s", (key, value, why) => {
    expect(() => driftState(indented, key, value)).toThrow(why);
  });

  it("refuses a file that is no state, and a key that is no path", () => {
    expect(() => driftState(Buffer.from("A=1\n"), "a", 1)).toThrow("no state");
    expect(() => driftState(Buffer.from("[]"), "a", 1)).toThrow("no state");
    for (const key of ["", ".a", "a..b", "a."]) expect(driftKey.safeParse(key).success).toBe(false);
  });

  it("is read as the owner serves it", () => {
    expect(valueAt(indented.toString(), "limits.strict")).toBe(true);
    expect(valueAt(indented.toString(), "greeting")).toBeUndefined();
    expect(valueAt("no JSON", "limits.strict")).toBeUndefined();
  });
});
