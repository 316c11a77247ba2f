// Where set-up put the programs that Kiln runs: k6, Toxiproxy, PostgreSQL, Redis, Chromium. tools/setup.mjs writes the record.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { environmentError, hasErrno } from "./errors.ts";

const record = z.object({
  node: z.string(),
  k6: z.string(),
  toxiproxy: z.string(),
  postgresBin: z.string(),
  redisServer: z.string(),
  chromium: z.string().nullable(),
  versions: z.record(z.string(), z.string()),
});

export type Tools = z.infer<typeof record>;

/** The checkout's root: this file is harness/support/tools.ts. */
export const projectRoot = join(import.meta.dirname, "..", "..");

/** The recorded programs. Throws `tools-missing` (environment) when set-up has not run here. */
export function loadTools(): Tools {
  const file = join(projectRoot, "tools", ".bin", "tools.json");
  const hint = "run: node tools/setup.mjs";
  try {
    return record.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    const why = hasErrno(error, "ENOENT")
      ? "set-up has not run in this checkout"
      : `the record of set-up is unreadable (${file})`;
    throw environmentError("tools-missing", `${why}: no k6, Toxiproxy, PostgreSQL or Redis is known`, {
      hint,
      cause: error,
    });
  }
}
