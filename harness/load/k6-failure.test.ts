import { describe, expect, test } from "vitest";
import { k6Failure, messageInLog } from "./k6-failure.ts";

const reference =
  'time="2026-11-21T03:34:37Z" level=error msg="ReferenceError: nobody is not defined\\n\\tat file:///s/load/mine.ts:3:15(18)\\n" hint="script exception" source=stacktrace\n';

describe("why k6 failed", () => {
  test("the message is taken out of the log line", () => {
    expect(messageInLog(reference)).toBe(
      "ReferenceError: nobody is not defined\n\tat file:///s/load/mine.ts:3:15(18)",
    );
    expect(messageInLog("warming up\nfatal: no memory\n")).toBe("fatal: no memory");
    expect(messageInLog("")).toBe("");
  });

  test("a script's own mistake is the user's to mend, with the place", () => {
    const error = k6Failure("before its segment began", 107, reference, "/s/load/mine.ts");
    expect(error).toMatchObject({ kind: "usage", code: "load-script-failed" });
    expect(error.message).toContain("/s/load/mine.ts:3:15");
    expect(error.hint).toContain("/s/load/mine.ts:3:15");
  });

  test("anything else is the machine's, also with nothing said", () => {
    expect(k6Failure("in segment 3", null, "", "/s/load/mine.ts")).toMatchObject({
      kind: "environment",
      message: "k6 was ended by a signal in segment 3: it said nothing",
    });
    expect(k6Failure("in segment 3", 109, "panic: x", "/s/load/mine.ts").message).toContain(
      "exit code 109 in segment 3: panic: x",
    );
  });
});
