import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { capLogs } from "./log-cap.ts";

test("a log over its share is set aside and goes on empty; the others are left alone", () => {
  const dir = mkdtempSync(join(tmpdir(), "log-cap-"));
  try {
    const long = join(dir, "gateway.log");
    const writer = openSync(long, "a");
    writeSync(writer, "x".repeat(3_000));
    writeFileSync(join(dir, "redis.log"), "short\n");
    expect(capLogs(dir, 10_000)).toEqual(["gateway.log"]);
    // The writer kept its file open.
    writeSync(writer, "after\n");
    expect(readFileSync(long, "utf8")).toBe("after\n");
    expect(statSync(`${long}.1`).size).toBe(3_000);
    expect(readFileSync(join(dir, "redis.log"), "utf8")).toBe("short\n");
    closeSync(writer);
    appendFileSync(long, "y".repeat(2_600));
    capLogs(dir, 10_000);
    expect(readFileSync(`${long}.1`, "utf8")).toBe(`after\n${"y".repeat(2_600)}`);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
