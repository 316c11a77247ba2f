// Watches each configuration file from both sides, twice a second: the bytes on disk, and what the service says is in force. Written to
// the journal when something changed and when something is wrong, so that a corrupt state that was served cannot hide.
import { readFile } from "node:fs/promises";
import type { HttpAnswer } from "../stack/stack.ts";
import { deadline } from "../support/clock.ts";
import { messageOf } from "../support/errors.ts";
import { canonicalJson, sha256 } from "../support/json.ts";
import { z } from "zod";
import type { ConfigFileSpec } from "../scenario/stack-spec.ts";
import type { EventOf } from "../journal/events.ts";
import type { Probe, ProbeContext, ProbeFactory } from "./probe.ts";

const servedSchema = z.object({
  version: z.number(),
  checksum: z.string(),
  values: z.record(z.string(), z.unknown()),
});

const lookEveryMs = 500;
/** A service that does not answer must not hold up the next look: that it had no answer is a reading, too. */
const answerWithinMs = 450;

type Reading = Omit<EventOf<"config">, "seq" | "atMs" | "type" | "file" | "sincePreviousMs">;

export const configProbes: ProbeFactory = (context) =>
  (context.stack.spec.configFiles ?? []).map((spec) => configProbe(context, spec));

function configProbe({ stack, journal, clock, samples }: ProbeContext, spec: ConfigFileSpec): Probe {
  const path = stack.configFile(spec.name);
  let previous: { key: string; atMs: number } | undefined;
  return {
    name: `config.${spec.name}`,
    everyMs: lookEveryMs,
    async look(atMs, signal) {
      const [file, served] = await Promise.all([
        readConfigFile(path),
        readServed(() =>
          stack.http(spec.service, spec.readPath, { signal: deadline(answerWithinMs, signal) }),
        ),
      ]);
      const reading: Reading = { ...file, ...served };
      const nowMs = clock.nowMs();
      samples.sample(`config.${spec.name}.read`, "count", atMs, reading.served === null ? 0 : 1);
      const key = canonicalJson(reading);
      const bad = !reading.fileValid || reading.served?.checksumMatches === false;
      if (key !== previous?.key || bad) {
        journal.write({
          type: "config",
          file: spec.name,
          ...reading,
          sincePreviousMs: nowMs - (previous?.atMs ?? nowMs),
        });
      }
      previous = { key, atMs: nowMs };
    },
  };
}

async function readConfigFile(path: string): Promise<{ fileHash: string | null; fileValid: boolean }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch {
    // Whatever the reason (missing, unreadable): the state on disk is not valid. The reading itself says so.
    return { fileHash: null, fileValid: false };
  }
  return { fileHash: sha256(bytes), fileValid: isValidState(bytes.toString("utf8")) };
}

/** A state file is valid when it parses and its checksum is that of its values; this knows nothing of the service's own schema. */
export function isValidState(text: string): boolean {
  return checksumMatches(parseState(text));
}

function parseState(text: string): z.infer<typeof servedSchema> | undefined {
  try {
    return servedSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function checksumMatches(state: z.infer<typeof servedSchema> | undefined): boolean {
  return state !== undefined && state.checksum === sha256(canonicalJson(state.values));
}

async function readServed(ask: () => Promise<HttpAnswer>): Promise<Pick<Reading, "served" | "unread">> {
  let answer: HttpAnswer;
  try {
    answer = await ask();
  } catch (error) {
    return { served: null, unread: messageOf(error) };
  }
  if (answer.status !== 200) return { served: null, unread: `status ${answer.status}` };
  const state = parseState(answer.body);
  // An answer that is no state at all was served as one: that is a corrupt serve, not a missing reading.
  if (state === undefined)
    return { served: { version: -1, valuesHash: sha256(answer.body), checksumMatches: false } };
  const valuesHash = sha256(canonicalJson(state.values));
  return { served: { version: state.version, valuesHash, checksumMatches: checksumMatches(state) } };
}
