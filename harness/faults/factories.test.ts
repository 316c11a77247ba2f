import { describe, expect, it } from "vitest";
import { faults } from "./factories.ts";
import { faultTable } from "./index.ts";

const every = [
  faults.latency({ link: "postgres", delayMs: 200 }, { hold: ["20s", "40s"], at: "10s" }),
  faults.linkDown({ link: "redis" }),
  faults.upstreamErrors({ service: "upstream", rate: 0.2, seed: 7 }),
  faults.memoryLeak({ service: "gateway", ratePerMin: "20MiB" }),
  faults.cpuBurn({ service: "gateway", share: 0.8 }),
  faults.configCorruption({ file: "gateway", variant: "truncated" }, { at: "30s" }),
  faults.kill({ service: "gateway" }, { at: "90s" }),
];

describe("factories", () => {
  it("there is one for each fault of the table, and its plain options pass that fault's schema", () => {
    expect(every.map(({ fault }) => fault).toSorted()).toEqual([...faultTable.keys()].toSorted());
    for (const choice of every) {
      expect(JSON.parse(JSON.stringify(choice))).toEqual(choice);
      expect(faultTable.get(choice.fault)?.options.safeParse(choice.options).error).toBeUndefined();
    }
  });

  it("hand timing and ranges on as they are", () => {
    expect(
      faults.latency(
        { link: { oneOf: ["postgres", "redis"] }, delayMs: [100, 400] },
        { hold: "30s", at: "20s" },
      ),
    ).toEqual({
      fault: "latency",
      options: { link: { oneOf: ["postgres", "redis"] }, delayMs: [100, 400] },
      hold: "30s",
      at: "20s",
    });
  });

  it("leave the choice of failing calls to the plan", () => {
    expect(faults.upstreamErrors({ service: "upstream", rate: 0.2 }).options["seed"]).toEqual([
      0, 0x7fff_ffff,
    ]);
  });
});
