import { describe, expect, it } from "vitest";
import { corruptBytes } from "./corrupt-bytes.ts";

const json = Buffer.from(
  `${JSON.stringify({ version: 1, checksum: "ab".repeat(32), values: { url: "http://x:1/", n: 2 } }, null, 2)}\n`,
);
const parse = (bytes: Buffer): unknown => JSON.parse(bytes.toString("utf8"));

describe("corruption", () => {
  it("truncates to the first half", () => {
    expect(corruptBytes(json, "truncated").equals(json.subarray(0, json.length >> 1))).toBe(true);
    expect(() => parse(corruptBytes(json, "truncated"))).toThrow(SyntaxError);
  });

  it.each([json, Buffer.from(JSON.stringify(JSON.parse(json.toString())))])(
    "makes JSON malformed without changing its length",
    (good) => {
      const bad = corruptBytes(good, "malformed");
      expect(bad.length).toBe(good.length);
      expect(() => parse(bad)).toThrow(SyntaxError);
    },
  );

  it("takes the equals sign of a line in the middle of an environment file", () => {
    const env = Buffer.from("# settings\nLEVEL=info\nSECRET=none\nCACHE=redis\n");
    expect(corruptBytes(env, "malformed").toString()).toBe(
      "# settings\nLEVEL=info\nSECRET none\nCACHE=redis\n",
    );
  });

  it("changes one digit of the checksum and nothing else", () => {
    const bad = parse(corruptBytes(json, "wrong-checksum"));
    expect(bad).toEqual({ ...(parse(json) as object), checksum: `${"ab".repeat(31)}a0` });
  });

  it("says so where a file cannot be corrupted like that", () => {
    expect(() => corruptBytes(Buffer.from("A=1\n"), "wrong-checksum")).toThrow("it has no checksum field");
    expect(() => corruptBytes(Buffer.from("plain words\n"), "malformed")).toThrow(
      "no line has a name and a value",
    );
    expect(() => corruptBytes(Buffer.alloc(0), "truncated")).toThrow("the file is empty");
  });
});
