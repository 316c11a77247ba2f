// Small help for checkers: a finding with its empty parts filled in, and numbers as people read them.
import type { Finding, Measure } from "./verdict.ts";

type Given = Pick<Finding, "id" | "status" | "title" | "about"> &
  Partial<Pick<Finding, "detail" | "measures" | "fault">> & {
    readonly fromMs?: number;
    readonly toMs?: number;
    readonly events?: readonly number[];
    readonly series?: readonly string[];
  };

/** The checker's name is the part of the id before the first slash. */
export function finding(given: Given): Finding {
  const { id, status, title, about, detail, measures, fault, fromMs, toMs, events, series } = given;
  return {
    id,
    checker: id.split("/")[0] ?? id,
    status,
    title,
    ...(detail === undefined ? {} : { detail }),
    measures: measures ?? [],
    evidence: {
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
      events: events ?? [],
      series: series ?? [],
    },
    ...(fault === undefined ? {} : { fault }),
    about,
  };
}

export function measure(name: string, value: number, unit: string, limit?: number): Measure {
  return { name, value, unit, ...(limit === undefined ? {} : { limit }) };
}

/** "99.95 %", without rounding a share below 1 up to 100 %. */
export function percent(share: number): string {
  const digits = share > 0.99 && share < 1 ? 3 : 2;
  const factor = 10 ** digits;
  return `${Number((Math.floor(share * 100 * factor + 1e-6) / factor).toFixed(digits))} %`;
}

/** "12.3 s", "1,234 s" never rounds a value under its limit up to it: cut, not rounded. */
export function seconds(ms: number): string {
  return `${(Math.floor(ms / 10) / 100).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** "1 request", "2 requests". */
export function countOf(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

/** At most five of a list in words. */
export function someOf(all: readonly string[]): string {
  const shown = all.slice(0, 5).join(", ");
  return all.length > 5 ? `${shown} and ${all.length - 5} more` : shown;
}
