import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

async function plan(
  name: string,
  options: { seed: string; json?: boolean; condense?: boolean },
): Promise<string> {
  const program = `const { planCommand } = await import("./harness/commands/plan.ts");
    process.exitCode = await planCommand(${JSON.stringify(name)}, ${JSON.stringify(options)});`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    cwd: checkout,
    maxBuffer: 8_000_000,
  });
  return stdout;
}

test("the same seed gives the same bytes in another process, another seed another plan", async () => {
  const [first, again, other] = await Promise.all([
    plan("6h", { seed: "7" }),
    plan("6h", { seed: "7" }),
    plan("6h", { seed: "8" }),
  ]);
  expect(first).toBe(again);
  expect(other).not.toBe(first);
  expect(first).toContain("Plan of 6h, seed 7\n");
  expect(first).not.toContain(checkout);
});

test("--json is the plan", async () => {
  const shape = z.object({
    v: z.literal(1),
    hash: z.string(),
    faults: z.array(z.object({ id: z.string() })),
  });
  expect(shape.parse(JSON.parse(await plan("smoke", { seed: "7", json: true }))).faults).toHaveLength(7);
});

test("--condense makes a plan of its own of a suite, the same bytes for the same seed", async () => {
  const shape = z.object({
    hash: z.string(),
    durationMs: z.number(),
    condensed: z.object({ of: z.literal("6h"), ofHash: z.string() }),
  });
  const [whole, first, again] = await Promise.all([
    plan("6h", { seed: "7", json: true }),
    plan("6h", { seed: "7", json: true, condense: true }),
    plan("6h", { seed: "7", json: true, condense: true }),
  ]);
  expect(first).toBe(again);
  const { hash } = z.object({ hash: z.string() }).parse(JSON.parse(whole));
  const short = shape.parse(JSON.parse(first));
  expect(short.condensed.ofHash).toBe(hash);
  expect(short.hash).not.toBe(hash);
  expect(short.durationMs).toBeLessThan(1_800_000);
});

test("what cannot be condensed, and a seed that is empty, are refused with the file", async () => {
  await expect(plan("smoke", { seed: "7", condense: true })).rejects.toThrow(
    /scenarios\/smoke\.ts: stack: expected a function of \{ thresholds \} to condense/,
  );
  await expect(plan("6h", { seed: "" })).rejects.toThrow(/seed: expected text that is not empty, got ""/);
});
