// A configuration state with one wrong value, pure: from the good bytes to bytes that are just as valid. The format is the one that
// docs/stacks.md asks of a configuration file: {version, checksum, values}, the checksum over the values as canonical JSON.
import { z } from "zod";
import { usageError } from "../support/errors.ts";
import { canonicalJson, sha256 } from "../support/json.ts";

export type DriftValue = number | boolean;

/** A path below `values`, its parts joined by dots: "limits.perMinute". */
export const driftKey = z.string().regex(/^[^.\s]+(?:\.[^.\s]+)*$/, "expected names joined by dots");
export const driftValue = z.union([z.number(), z.boolean()]);

export interface DriftedState {
  readonly bytes: Buffer;
  /** SHA-256 of the changed values as canonical JSON: their checksum. */
  readonly valuesHash: string;
  readonly was: DriftValue;
}

interface State {
  readonly checksum: string;
  readonly values: Record<string, unknown>;
}

/**
 * The state with `value` at `key`: checksum made anew, version and all else kept, indented as before. Throws `drift-impossible` (usage)
 * where the file has no such number or truth value, or has this very one already.
 */
export function driftState(original: Buffer, key: string, value: DriftValue): DriftedState {
  const text = original.toString("utf8");
  const state = parseState(text);
  if (state === undefined) throw impossible(key, "the file is no state with checksum and values");
  const was = valueIn(state.values, key);
  const values = withValue(state.values, key, value);
  const valuesHash = sha256(canonicalJson(values));
  const indent = /^\{\r?\n([ \t]+)/.exec(text)?.[1];
  const end = /\s*$/.exec(text)?.[0] ?? "";
  const changed = JSON.stringify({ ...state, checksum: valuesHash, values }, undefined, indent);
  return { bytes: Buffer.from(changed + end), valuesHash, was };
}

/** The values with another one at `key`. Throws as `driftState` does. */
export function withValue(
  original: Readonly<Record<string, unknown>>,
  key: string,
  value: DriftValue,
): Record<string, unknown> {
  const was = valueIn(original, key);
  if (typeof was !== typeof value) throw impossible(key, `${was} is no ${typeof value}`);
  if (was === value) throw impossible(key, `it is ${was} already`);
  const values = structuredClone(original);
  const parts = key.split(".");
  const name = parts.pop() ?? "";
  const holder = parts.reduce<unknown>((at, part) => memberOf(at, part), values);
  if (isRecord(holder)) holder[name] = value;
  return values;
}

/** Throws where there is none. */
function valueIn(values: unknown, key: string): DriftValue {
  const found = key.split(".").reduce<unknown>((at, part) => memberOf(at, part), values);
  if (typeof found === "number" || typeof found === "boolean") return found;
  throw impossible(key, "there is no number, true or false");
}

/** What a state (as text) holds at `key`; undefined when it is no state, or holds no number and no truth value there. */
export function valueAt(text: string, key: string): DriftValue | undefined {
  const state = parseState(text);
  const found = key.split(".").reduce<unknown>((at, part) => memberOf(at, part), state?.values);
  return typeof found === "number" || typeof found === "boolean" ? found : undefined;
}

/** Not through a schema, which would put the members in another order. */
function parseState(text: string): State | undefined {
  try {
    const state: unknown = JSON.parse(text);
    const isState = isRecord(state) && typeof state["checksum"] === "string" && isRecord(state["values"]);
    return isState ? (state as unknown as State) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function impossible(key: string, why: string): Error {
  return usageError("drift-impossible", `a config file cannot get another value at "${key}": ${why}`);
}
