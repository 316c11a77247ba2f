import { appendFileSync, mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { tailLines } from "./tail-lines.ts";

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "kiln-tail-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "lines");
}

test("gives each whole line once, and none before there is a file", () => {
  const file = newFile();
  const tail = tailLines(file);
  expect(tail()).toEqual([]);
  appendFileSync(file, "one\n\ntwo\nthr");
  expect(tail()).toEqual(["one", "two"]);
  expect(tail()).toEqual([]);
  appendFileSync(file, "ee\n");
  expect(tail()).toEqual(["three"]);
});

test("a torn end that was cut away and written anew is read anew", () => {
  const file = newFile();
  const tail = tailLines(file);
  appendFileSync(file, "one\ntorn");
  expect(tail()).toEqual(["one"]);
  truncateSync(file, 4);
  appendFileSync(file, "two\n");
  expect(tail()).toEqual(["two"]);
});

test("a character across two reads stays whole", () => {
  const file = newFile();
  const line = `x${"é".repeat(40_000)}`;
  appendFileSync(file, `${line}\n`);
  expect(tailLines(file)()).toEqual([line]);
});
