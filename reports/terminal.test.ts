import { Writable } from "node:stream";
import { WriteStream } from "node:tty";
import { expect, test } from "vitest";
import { buildReportModel } from "./model.ts";
import { terminalSummary } from "./terminal.ts";
import { sampleRun } from "./testing/sample-run.ts";

const plain = new Writable({ write: (_chunk, _encoding, done) => done() });
const escape = "\u001B";

test("verdict, reason, what failed with its numbers, and how to run it again", () => {
  const text = terminalSummary(buildReportModel(sampleRun({ outcome: "fail" })), { stream: plain });
  expect(text).toContain("✘ FAIL  smoke, seed 42. Do not release.");
  expect(text).toContain(
    "  ✘ f07-kill: service was back only after more than 15 s, and by Kiln's rescue.\n    recovery time, upper bound 20.4 s (limit 15 s); 00:02:17 – 00:02:38",
  );
  expect(text).toContain("✔ 12 checks passed");
  expect(text).toMatch(/Availability +98\.912 % {2}objective 95 %/);
  expect(text).toContain("npx kiln run smoke --seed 42");
  expect(text).not.toContain(escape);
});

test("colours only where the stream is a terminal, and never with NO_COLOR", () => {
  const terminal = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
    isTTY: true,
    getColorDepth: WriteStream.prototype.getColorDepth,
  });
  const model = buildReportModel(sampleRun());
  const before = { ...process.env };
  try {
    for (const name of ["NO_COLOR", "NODE_DISABLE_COLORS", "FORCE_COLOR", "CI"]) delete process.env[name];
    process.env["TERM"] = "xterm-256color";
    expect(terminalSummary(model, { stream: terminal })).toContain(escape);
    process.env["NO_COLOR"] = "1";
    expect(terminalSummary(model, { stream: terminal })).not.toContain(escape);
  } finally {
    process.env = before;
  }
});

test("a run's text cannot steer the terminal", () => {
  const { plan, verdict, evidence } = sampleRun();
  const text = terminalSummary(
    buildReportModel({ plan, verdict: { ...verdict, because: `red ${escape}[31m\r\nline` }, evidence }),
    { stream: plain },
  );
  expect(text).toContain("red  [31m line");
});
