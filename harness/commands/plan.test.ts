import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

async function plan(name: string, options: { seed: string; json?: boolean }): Promise<string> {
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
