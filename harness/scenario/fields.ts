// Building blocks of the schemas: zod types whose messages say what was expected and what was found instead. A key that is missing is
// "missing", a key that is not known names the known ones.
import { z } from "zod";
import type { $ZodRawIssue } from "zod/v4/core";
import { parseDuration } from "../support/duration.ts";
import { didYouMean } from "./nearest.ts";

/** One thing that is wrong with user input. `key` is a path such as `chaos.faults[1].options.link`; empty for the whole. */
export interface Issue {
  readonly key: string;
  readonly message: string;
}

/** A value as it stands in an error message: short, one line. */
export function show(value: unknown): string {
  if (typeof value === "function") return "a function";
  const text = typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function expected(what: string): { error: (issue: $ZodRawIssue) => string } {
  return { error: (issue) => sentence(what, issue.input) };
}

function sentence(what: string, input: unknown): string {
  return input === undefined ? `missing; expected ${what}` : `expected ${what}, got ${show(input)}`;
}

/** An object that takes these keys and no others. */
export function strict<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? unknownKeys(issue.keys, known)
        : sentence("an object", issue.input),
  });
}

function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  return keys
    .map((key) => {
      const suggestion = didYouMean(key, known);
      return `unknown key "${key}"${suggestion === "" ? `; known are ${known.join(", ")}` : suggestion}`;
    })
    .join("; ");
}

const durationText = `a duration with its unit, such as "90s" or "1h30m"`;

/** Text such as "90s", kept as whole milliseconds. Zero only where `zero` allows it. */
export function duration(zero: "zero allowed" | "above zero" = "above zero"): z.ZodType<number, string> {
  return z.string(expected(durationText)).transform((text, context) => {
    const exactMs = parseDuration(text);
    const ms = exactMs === undefined ? undefined : Math.round(exactMs);
    if (ms !== undefined && (ms > 0 || zero === "zero allowed")) return ms;
    const what =
      ms === 0 || text.trim().startsWith("-") ? `a duration above zero, such as "90s"` : durationText;
    context.addIssue({ code: "custom", message: sentence(what, text) });
    return z.NEVER;
  });
}

export const label = z
  .string(expected("a name"))
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/i, expected("a name of letters, digits, - and _ (at most 40)"));
export const text = z.string(expected("text")).min(1, expected("text that is not empty"));
export const urlPath = z
  .string(expected(`a path such as "/health"`))
  .startsWith("/", expected(`a path that begins with "/"`));

export function wholeNumber(what: string, least = 1): z.ZodNumber {
  return z.number(expected(what)).int(expected(what)).min(least, expected(what));
}

export function numberBetween(low: number, high: number, what: string): z.ZodNumber {
  return z.number(expected(what)).min(low, expected(what)).max(high, expected(what));
}

/** `chaos.faults[1].options` from the pieces of a path. */
export function keyPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`,
    )
    .join("");
}

export function issuesOf(error: z.ZodError): Issue[] {
  return error.issues.map((issue) => ({ key: keyPath(issue.path), message: issue.message }));
}

/** One issue a line: `scenarios/x.ts: load.steadyRps: expected …`. */
export function issueLines(file: string, issues: readonly Issue[]): string {
  return issues
    .map(({ key, message }) => [file, key, message].filter((part) => part !== "").join(": "))
    .join("\n");
}
