// The table of faults. A new fault is a module, its test, and its line here.
import { configCorruption } from "./config-corruption.ts";
import { cpuBurn } from "./cpu-burn.ts";
import type { Fault, FaultTable } from "./fault.ts";
import { kill } from "./kill.ts";
import { latency } from "./latency.ts";
import { linkDown } from "./link-down.ts";
import { memoryLeak } from "./memory-leak.ts";
import { upstreamErrors } from "./upstream-errors.ts";

const all: readonly Fault[] = [
  latency, // network at a proxy
  linkDown,
  upstreamErrors, // upstream
  memoryLeak, // inside the process
  cpuBurn,
  configCorruption, // configuration
  kill, // process
];

export const faultTable: FaultTable = new Map(all.map((fault) => [fault.name, fault]));
