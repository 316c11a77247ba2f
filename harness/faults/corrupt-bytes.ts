// How a configuration file is spoilt: pure, from the good bytes to the bad ones. Apart from the cut, the length stays the same, so that
// one write call does it: a harness that dies meanwhile leaves the good file or the bad one, nothing between.
import { sha256 } from "../support/json.ts";
import { usageError } from "../support/errors.ts";

/** What a file's bytes can be made. */
export const spoiledVariants = ["truncated", "malformed", "wrong-checksum", "partial-write"] as const;
export type SpoiledVariant = (typeof spoiledVariants)[number];

/** All ways in which a configuration file can go bad. */
export const corruptionVariants = [...spoiledVariants, "unreadable"] as const;
export type CorruptionVariant = (typeof corruptionVariants)[number];

/**
 * truncated: the first half. malformed: a line near the middle loses what separates its name from its value ("=" or ":"). wrong-checksum:
 * the last digit of the file's own checksum is another one, all else is well formed. partial-write: a write of the next state that was
 * cut off; in a state whose checksum stands before its values, the next version and checksum have arrived and the values have not (it
 * still parses, and looks newer); in any other file the second half is NULs, as after a crash that came between a file's new length
 * and its data. Throws `corruption-impossible` (usage) where the file has no such place.
 */
export function corruptBytes(original: Buffer, variant: SpoiledVariant): Buffer {
  if (original.length < 2) throw impossible(variant, "the file is empty");
  if (variant === "truncated") return original.subarray(0, original.length >> 1);
  if (variant === "partial-write") return tornWrite(original);
  const text = original.toString("latin1");
  const at = variant === "malformed" ? separatorNearMiddle(text) : lastDigitOfChecksum(text);
  if (at === undefined)
    throw impossible(
      variant,
      variant === "malformed" ? "no line has a name and a value" : "it has no checksum field",
    );
  const bad = Buffer.from(original);
  bad.write(variant === "malformed" ? " " : otherDigit(text.charAt(at)), at, "latin1");
  return bad;
}

function impossible(variant: SpoiledVariant, why: string): Error {
  return usageError("corruption-impossible", `a config file cannot get the corruption "${variant}": ${why}`);
}

/** Positions of separators: after a quoted name (JSON) or a bare one (YAML, INI, .env); the one nearest to the middle of the text. */
function separatorNearMiddle(text: string): number | undefined {
  const separators = [...text.matchAll(/"(?:[^"\\\n]|\\.)*"\s*(:)|^[ \t]*[\w.-]+[ \t]*([:=])/gm)].map(
    (match) => match.index + match[0].length - 1,
  );
  const distance = (at: number): number => Math.abs(at - text.length / 2);
  return separators.toSorted((a, b) => distance(a) - distance(b))[0];
}

function lastDigitOfChecksum(text: string): number | undefined {
  const match = /(?:checksum|sha256|digest)"?\s*[:=]\s*"?(?:sha256:)?[0-9a-f]{8,}/i.exec(text);
  return match === null ? undefined : match.index + match[0].length - 1;
}

function otherDigit(digit: string): string {
  return digit === "0" ? "1" : "0";
}

/** Version and checksum of a state's head, when its values stand behind them: what a write from front to back changes first. */
const stateHead = /"version"\s*:\s*(\d+)\b[^]*?"checksum"\s*:\s*"([0-9a-f]{64})"(?=[^]*"values"\s*:)/d;

function tornWrite(original: Buffer): Buffer {
  const bad = Buffer.from(original);
  const match = stateHead.exec(original.toString("latin1"));
  const [, versionAt, checksumAt] = match?.indices ?? [];
  if (match === null || versionAt === undefined || checksumAt === undefined)
    return bad.fill(0, original.length >> 1);
  const [, version = "", checksum = ""] = match;
  const next = String(Number(version) + 1);
  // Where the next version has one digit more, all that follows would move; the checksum alone then tells that the write began.
  if (next.length === version.length) bad.write(next, versionAt[0], "latin1");
  bad.write(sha256(checksum), checksumAt[0], "latin1");
  return bad;
}
