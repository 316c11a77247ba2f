// The table of faults. A new fault is a module, its test, and its line here.
import { bandwidth } from "./bandwidth.ts";
import { clockShift } from "./clock-shift.ts";
import { configCorruption } from "./config-corruption.ts";
import { configDrift } from "./config-drift.ts";
import { configLock } from "./config-lock.ts";
import { connectionLeak } from "./connection-leak.ts";
import { cpuBurn } from "./cpu-burn.ts";
import { cpuQuota } from "./cpu-quota.ts";
import { crashLoop } from "./crash-loop.ts";
import { dataLimit } from "./data-limit.ts";
import { descriptorLeak } from "./descriptor-leak.ts";
import { eventLoopBlock } from "./event-loop-block.ts";
import { diskFull } from "./disk-full.ts";
import type { Fault, FaultTable } from "./fault.ts";
import { jitter } from "./jitter.ts";
import { keepDown } from "./keep-down.ts";
import { kill } from "./kill.ts";
import { latency } from "./latency.ts";
import { linkDown } from "./link-down.ts";
import { memoryLeak } from "./memory-leak.ts";
import { memoryLimit } from "./memory-limit.ts";
import { outOfConnections } from "./out-of-connections.ts";
import { partition } from "./partition.ts";
import { pause } from "./pause.ts";
import { poolExhaustion } from "./pool-exhaustion.ts";
import { postgresCrash } from "./postgres-crash.ts";
import { redisMemory } from "./redis-memory.ts";
import { reset } from "./reset.ts";
import { slicing } from "./slicing.ts";
import { timeout } from "./timeout.ts";
import { upstreamErrors } from "./upstream-errors.ts";
import { upstreamSlow } from "./upstream-slow.ts";

const all: readonly Fault[] = [
  latency, // network at a proxy
  linkDown,
  jitter,
  bandwidth,
  slicing,
  reset,
  timeout,
  dataLimit,
  partition,
  upstreamErrors, // upstream
  upstreamSlow,
  memoryLeak, // inside the process
  cpuBurn,
  eventLoopBlock,
  descriptorLeak,
  connectionLeak,
  clockShift,
  cpuQuota, // around the process
  memoryLimit,
  diskFull,
  configCorruption, // configuration
  configDrift,
  configLock,
  kill, // process
  crashLoop,
  pause,
  keepDown,
  postgresCrash, // dependency
  outOfConnections,
  poolExhaustion,
  redisMemory,
];

export const faultTable: FaultTable = new Map(all.map((fault) => [fault.name, fault]));
