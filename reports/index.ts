// The table of renderers, and the one function that writes every report of a run folder.
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../harness/support/errors.ts";
import { redact } from "../harness/support/redact.ts";
import { htmlRenderer } from "./html.ts";
import { jsonRenderer } from "./json.ts";
import { junitRenderer } from "./junit.ts";
import { markdownRenderer } from "./markdown.ts";
import type { ReportModel } from "./model-types.ts";
import type { Renderer } from "./renderer.ts";

export const renderers: readonly Renderer[] = [htmlRenderer, markdownRenderer, junitRenderer, jsonRenderer];

/**
 * Writes each report into `outDir` (which must exist): all of a file or nothing of it. A renderer that fails does not keep the others
 * from being written; afterwards this rejects with one error that names every report that is missing and why. Resolves to the paths.
 */
export async function renderAll(
  model: ReportModel,
  outDir: string,
  table: readonly Renderer[] = renderers,
): Promise<string[]> {
  const clean = redactDeep(model);
  const written: string[] = [];
  const failures: Error[] = [];
  for (const renderer of table) {
    const path = join(outDir, renderer.file);
    try {
      await writeWhole(path, renderer.render(clean));
      written.push(path);
    } catch (error) {
      failures.push(new Error(`${renderer.file}: ${messageOf(error)}`, { cause: error }));
    }
  }
  if (failures.length > 0)
    throw new AggregateError(
      failures,
      `could not write ${failures.map(({ message }) => message).join("; ")}`,
    );
  return written;
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Secrets go before rendering: in finished HTML a replacement could break the hashes of its content policy. */
function redactDeep<T>(value: T): T {
  if (typeof value === "string") return redact(value) as T;
  if (value === null || typeof value !== "object") return value;
  // Series hold thousands of numbers and no text.
  if (Array.isArray(value))
    return (typeof value[0] === "number" ? value : value.map((item: unknown) => redactDeep(item))) as T;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactDeep(item)])) as T;
}
