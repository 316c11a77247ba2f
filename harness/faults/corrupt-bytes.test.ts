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

  it("tears a write of the next state: newer version and checksum, old values, the same length", () => {
    const bad = corruptBytes(json, "partial-write");
    expect(bad.length).toBe(json.length);
    const good = parse(json) as { values: object };
    const torn = parse(bad) as { checksum: string };
    expect(torn).toEqual({
      version: 2,
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      values: good.values,
    });
    expect(torn.checksum).not.toBe("ab".repeat(32));
  });

  it("keeps the version where the next one is longer", () => {
    const nine = Buffer.from(json.toString().replace('"version": 1', '"version": 9'));
    const torn = parse(corruptBytes(nine, "partial-write")) as { version: number; checksum: string };
    expect(torn.version).toBe(9);
    expect(torn.checksum).not.toBe("ab".repeat(32));
  });

  it.each([
    ["an environment file", Buffer.from("LEVEL=info\nCACHE=redis\n")],
    [
      "a state with its checksum at the end",
      Buffer.from(JSON.stringify({ version: 1, values: { n: 2 }, checksum: "ab".repeat(32) })),
    ],
  ])("leaves NULs where the data of a write had not arrived: %s", (_name, good) => {
    const bad = corruptBytes(good, "partial-write");
    const half = good.length >> 1;
    expect(bad.subarray(0, half).equals(good.subarray(0, half))).toBe(true);
    expect(bad.subarray(half).equals(Buffer.alloc(good.length - half))).toBe(true);
    expect(() => parse(bad)).toThrow(SyntaxError);
  });

  it("says so where a file cannot be corrupted like that", () => {
    expect(() => corruptBytes(Buffer.from("A=1\n"), "wrong-checksum")).toThrow("it has no checksum field");
    expect(() => corruptBytes(Buffer.from("plain words\n"), "malformed")).toThrow(
      "no line has a name and a value",
    );
    expect(() => corruptBytes(Buffer.alloc(0), "truncated")).toThrow("the file is empty");
  });
});
