import { describe, expect, it } from "vitest";
import { faults } from "./factories.ts";
import { faultTable } from "./index.ts";

const every = [
  faults.latency({ link: "postgres", delayMs: 200 }, { hold: ["20s", "40s"], at: "10s" }),
  faults.linkDown({ link: "redis" }),
  faults.jitter({ link: "redis", delayMs: 100, jitterMs: 50, seed: 7 }),
  faults.bandwidth({ link: "redis", kibPerSecond: 64 }),
  faults.slicing({ link: "postgres", sliceBytes: 64, gapMs: 5 }),
  faults.reset({ link: "redis" }),
  faults.timeout({ link: "redis", afterMs: 1_000 }),
  faults.dataLimit({ link: "redis", bytes: 4_096 }),
  faults.partition({ link: "redis", direction: "to-service" }),
  faults.upstreamErrors({ service: "upstream", rate: 0.2, seed: 7 }),
  faults.upstreamSlow({ service: "upstream", delayMs: 300, rate: 0.5, seed: 7 }),
  faults.memoryLeak({ service: "gateway", ratePerMin: "20MiB" }),
  faults.cpuBurn({ service: "gateway", share: 0.8 }),
  faults.eventLoopBlock({ service: "gateway" }, { hold: "15s" }),
  faults.descriptorLeak({ service: "gateway", perSecond: 20, most: 1_000 }),
  faults.connectionLeak({ service: "gateway", link: "postgres", perSecond: 2, most: 40 }),
  faults.clockShift({ service: "gateway", byMs: 3_600_000, direction: "behind" }),
  faults.cpuQuota({ service: "gateway", cores: 0.1 }),
  faults.memoryLimit({ service: "gateway", headroom: "32MiB" }),
  faults.diskFull({ service: "gateway" }),
  faults.configCorruption({ file: "gateway", variant: "truncated" }, { at: "30s" }),
  faults.configDrift({ file: "gateway", key: "limits.cacheTtlSeconds", value: 60 }),
  faults.configLock({ file: "gateway", key: "features.enrichTool", value: false }),
  faults.kill({ service: "gateway" }, { at: "90s" }),
  faults.crashLoop({ service: "gateway", kills: 3 }, { hold: "20s" }),
  faults.pause({ service: "postgres" }),
  faults.keepDown({ service: "watchdog" }),
  faults.postgresCrash({ service: "postgres" }, { at: "95s" }),
  faults.outOfConnections({ service: "redis" }),
  faults.poolExhaustion({ service: "postgres", table: "frameworks", connections: 15 }),
  faults.redisMemory({ service: "redis" }),
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
