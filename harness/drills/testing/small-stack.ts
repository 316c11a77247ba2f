// A small real stack for the tests of drills: a way in, two slots, a configuration file, and commands that do what operators do
// (fixtures/victims/slotted.mjs), under the handle that a run would use. Without Toxiproxy: its one link leads straight to the way in.
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FaultContext } from "../../faults/fault.ts";
import { startVictim, type Victim } from "../../faults/testing/victim.ts";
import type { OperationsSpec, TimedCommand } from "../../scenario/operations-spec.ts";
import type { StackSpec } from "../../scenario/stack-spec.ts";
import { membersOf } from "../../stack/membership.ts";
import { processHandle } from "../../stack/process-handle.ts";
import { logsDir, scratchDir, serviceDir } from "../../stack/record.ts";
import type { StackHandle, StackRecord } from "../../stack/stack.ts";
import { sweep } from "../../stack/sweep.ts";
import { deadline, systemClock } from "../../support/clock.ts";
import { freePorts } from "../../support/free-ports.ts";
import { canonicalJson, sha256, type Json } from "../../support/json.ts";
import { runMarker } from "../../support/run-marker.ts";
import { projectRoot } from "../../support/tools.ts";

export interface SmallStack {
  readonly handle: StackHandle;
  readonly folder: string;
  /** A context as a run would make it; another call with the same id is another process after the first one's death. */
  context(id: string, limitMs?: number): FaultContext;
  /** Commands of operations that run just now. */
  commands(): string[];
  stop(): Promise<void>;
}

export interface SmallStackOptions {
  /** "<verb>=<how>", see slotted.mjs. */
  readonly defect?: string;
  /** The same of the way in. */
  readonly frontDefect?: string;
  /** Of the command that does it; others have half a minute. */
  readonly doWithinMs?: number;
}

export const goodValues = { cacheSeconds: 30, strict: true };
const program = join(projectRoot, "fixtures", "victims", "slotted.mjs");
/** Of commands that take a tenth of a second each on a quiet machine. */
const generousMs = 30_000;
export const smallSpec = specWith({});

function specWith({ defect = "", doWithinMs = generousMs }: SmallStackOptions): StackSpec {
  const timed = (...words: string[]): TimedCommand => ({
    command: ["node", program, ...words],
    withinMs: generousMs,
  });
  const does = (...words: string[]): TimedCommand => ({ ...timed(...words), withinMs: doWithinMs });
  const env = {
    DIR: "{dir:front}",
    CONFIG: "{config:settings}",
    BLUE_PORT: "{port:blue}",
    GREEN_PORT: "{port:green}",
    DEFECT: defect,
  };
  const slots = { env, slots: { blue: "blue", green: "green" }, answersPath: "/slot" };
  const operations: OperationsSpec = {
    "config-update": {
      env,
      file: "settings",
      do: does("set", "{key}", "{value}"),
      undo: timed("restore", "{was}"),
    },
    "backup-restore": {
      env,
      do: does("backup"),
      check: timed("check", "{acknowledged}"),
      undo: timed("tidy"),
      write: { method: "PUT", path: "/things/{id}", body: {}, record: { id: "{id}" } },
    },
    "blue-green": { ...slots, do: does("switch"), undo: timed("switch", "{was}") },
    "graceful-restart": { ...slots, do: does("restart"), undo: timed("switch", "{was}") },
  };
  const copy = { kind: "program", command: ["node", program, "copy"], readyPath: "/health" } as const;
  return {
    name: "small",
    driver: "processes",
    services: [
      { ...copy, name: "front", command: ["node", program, "front"] },
      { ...copy, name: "blue" },
      { ...copy, name: "green", startedBy: "blue", standby: true },
    ],
    links: [{ name: "in", from: "load", to: "front" }],
    configFiles: [{ name: "settings", service: "front", file: "settings.json", readPath: "/config" }],
    operations,
  };
}

export async function startSmallStack(options: SmallStackOptions = {}): Promise<SmallStack> {
  const record = await newRecord(specWith(options));
  const { runDir, runId, servicePorts } = record;
  const folder = serviceDir(runDir, "front");
  for (const path of [folder, scratchDir(runDir), logsDir(runDir)]) mkdirSync(path, { recursive: true });
  const state = JSON.stringify({
    version: 1,
    checksum: sha256(canonicalJson(goodValues)),
    values: goodValues,
  });
  for (const name of ["settings.json", "version-1"]) writeFileSync(join(folder, name), state);
  writeFileSync(join(folder, "slot"), "blue");
  const victims: Victim[] = [];
  const memories = new Map<string, string>();
  const start = async (verb: string, name: string, defect = ""): Promise<void> => {
    const env = { DIR: folder, CONFIG: join(folder, "settings.json"), DEFECT: defect, [runMarker]: runId };
    const args = [program, verb];
    const port = servicePorts[name] ?? 0;
    victims.push(await startVictim({ command: process.execPath, args, env, port, ready: serves }));
  };
  const stop = async (): Promise<void> => {
    await Promise.all(victims.map((victim) => victim.stop()));
    await sweep({ ...record, ports: Object.values(servicePorts) });
    rmSync(runDir, { recursive: true, force: true });
  };
  try {
    await Promise.all([start("front", "front", options.frontDefect), start("copy", "blue")]);
    writeFileSync(
      join(folder, "blue.pid"),
      String(victims.find(({ port }) => port === servicePorts["blue"])?.identity.pid),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  const handle = processHandle(record);
  return {
    handle,
    folder,
    stop,
    context: (id, limitMs = 60_000) => contextOf(handle, memories, id, limitMs),
    commands: () =>
      membersOf({ runId, runDir })
        .map(({ command }) => command)
        .filter((command) => command.includes("slotted.mjs") && !/ (?:front|copy)$/.test(command)),
  };
}

async function newRecord(spec: StackSpec): Promise<StackRecord> {
  const runDir = mkdtempSync(join(tmpdir(), "kiln-drill-test-"));
  const [front = 0, blue = 0, green = 0] = await freePorts(3, runDir);
  return {
    v: 1,
    runId: `test-${randomUUID()}`,
    runDir,
    spec,
    toxiproxyPort: 0,
    servicePorts: { front, blue, green },
    linkPorts: { in: front },
    agentToken: randomUUID(),
    controlToken: randomUUID(),
  };
}

async function serves(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(1_000) });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`status ${answer.status}`);
}

function contextOf(
  stack: StackHandle,
  memories: Map<string, string>,
  id: string,
  limitMs: number,
): FaultContext {
  return {
    id,
    stack,
    clock: systemClock,
    signal: deadline(limitMs),
    selfHealMs: 0,
    remember: (memory) => {
      memories.set(id, JSON.stringify(memory));
      return Promise.resolve();
    },
    recall: () => {
      const text = memories.get(id);
      return text === undefined ? undefined : (JSON.parse(text) as Json);
    },
  };
}
