// How numbers and statuses are put into words, the same in every renderer. English, thin and exact: units always, and never a
// rounding that makes a result look better than it was.
import type { Status } from "../harness/judge/verdict.ts";
import { formatDuration, formatOffset } from "../harness/support/duration.ts";

const none = "–";

/** 11700 is "11,700". */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en-GB");
}

/** One noun with its number: "1 fault", "7 faults". */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A measured time with about three digits: "0.42 ms", "6.1 ms", "240 ms", "2.04 s", "1m30s". Null is a dash. */
export function formatMs(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return none;
  const size = Math.abs(ms);
  if (size < 10) return `${trim(ms, size < 1 ? 2 : 1)} ms`;
  if (size < 999.5) return `${Math.round(ms)} ms`;
  if (size < 99_950 && size % 1_000 === 0) return `${ms / 1_000} s`;
  if (size < 9_995) return `${(ms / 1_000).toFixed(2)} s`;
  if (size < 99_950) return `${(ms / 1_000).toFixed(1)} s`;
  return formatDuration(Math.round(ms / 1_000) * 1_000);
}

/** Bytes in binary units: "92.4 MiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; Math.abs(value) >= 1_024 && unit < units.length - 1; unit++) value /= 1_024;
  return `${unit === 0 ? Math.round(value) : trim(value, Math.abs(value) < 100 ? 1 : 0)} ${units[unit]}`;
}

/** A share as a percentage, cut (not rounded) to three decimals: 0.99996 is "99.996 %" and only 1 is "100 %". */
export function formatShare(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return none;
  return `${trim(Math.floor(share * 100_000 + 1e-6) / 1_000, 3)} %`;
}

/** A change such as +0.534: "+53.4 %". */
export function formatChange(change: number): string {
  return `${change < 0 ? "−" : "+"}${trim(Math.abs(change) * 100, Math.abs(change) < 1 ? 1 : 0)} %`;
}

/** A number with the unit that the journal or a checker gave it. */
export function formatValue(value: number | null, unit: string): string {
  if (value === null || !Number.isFinite(value)) return none;
  if (unit === "ms") return formatMs(value);
  if (unit === "bytes") return formatBytes(value);
  if (unit === "ratio" || unit === "share") return formatShare(value);
  const text = Number.isInteger(value) ? formatCount(value) : trim(value, Math.abs(value) < 10 ? 2 : 1);
  return unit === "count" || unit === "" ? text : `${text} ${unit === "1/s" ? "/s" : unit}`;
}

/** A stretch of the timeline: "00:01:20 – 00:01:55". */
export function formatRange(fromMs: number, toMs: number): string {
  return `${formatOffset(fromMs)} – ${formatOffset(toMs)}`;
}

/** Time after a fault with its sign: "+15 ms", "+2.1 s", "+1m40s". */
export function formatAfter(ms: number): string {
  if (Math.abs(ms) < 950) return `${ms < 0 ? "−" : "+"}${Math.round(Math.abs(ms))} ms`;
  return Math.abs(ms) < 99_950
    ? `${ms < 0 ? "−" : "+"}${(Math.abs(ms) / 1_000).toFixed(1)} s`
    : `+${formatDuration(Math.round(ms / 1_000) * 1_000)}`;
}

/** Keeps a number and its unit on one line. */
export function glue(text: string): string {
  return text.replaceAll(/(\d) (?=(?:%|ms|s|[KMGT]?i?B)(?!\w))/g, "$1\u00A0");
}

function trim(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** The answer to "may we release?", for the top of a report. */
export const headlines: Readonly<Record<Status, string>> = {
  pass: "Nothing in this run speaks against a release.",
  fail: "Do not release.",
  inconclusive: "No answer: this run cannot support a release.",
};

/** Status by shape, for those who see no colour. */
export const shapes: Readonly<Record<Status, string>> = { pass: "✔", fail: "✘", inconclusive: "?" };

/** The word of a status inside a sentence or table. */
export const statusWords: Readonly<Record<Status, string>> = {
  pass: "pass",
  fail: "fail",
  inconclusive: "inconclusive",
};

const rank: Readonly<Record<Status, number>> = { fail: 0, inconclusive: 1, pass: 2 };

/** Worst first; equal ones keep their order. */
export function byWorst(a: { readonly status: Status }, b: { readonly status: Status }): number {
  return rank[a.status] - rank[b.status];
}
