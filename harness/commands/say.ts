// What commands write for people: without secrets, and without control characters of what a run's programs, files or folders say.
import { plainText } from "../support/plain-text.ts";
import { redact } from "../support/redact.ts";

/** One or more lines to standard output. */
export function say(text: string): void {
  process.stdout.write(`${plainText(redact(text))}\n`);
}

/** The same to standard error. */
export function warn(text: string): void {
  process.stderr.write(`${plainText(redact(text))}\n`);
}
