// Calls Kiln's agent inside a service: one connection, one line each way. The protocol stands in agent-worker.mjs.
import { connect } from "node:net";
import { environmentError, messageOf, type KilnError } from "../support/errors.ts";
import type { Json } from "../support/json.ts";

export interface AgentCall {
  /** What the service was given as KILN_AGENT_SOCKET: a name (abstract socket on Linux) or, with a slash, a path. */
  readonly socket: string;
  readonly token: string;
  readonly command: string;
  readonly params: Json;
  readonly signal: AbortSignal;
}

/** The whole of sun_path: Node 20 fills an abstract name up to it with NUL, Node 24 does not (agent-worker.mjs). */
const abstractNameLength = 108;
/** Longest answer that is read, in characters. */
const answerLimit = 1_048_576;

/**
 * The agent's result. Rejects with `agent-unreachable` (nobody listens, the connection broke, the signal aborted) or `agent-refused`
 * (it answered that it cannot do it).
 */
export async function callAgent(call: AgentCall): Promise<Json> {
  const answer = parseAnswer(await exchangeLine(call));
  if (!answer.ok)
    throw environmentError("agent-refused", `the agent refused ${call.command}: ${answer.error}`);
  return answer.result;
}

/** Environment and Node option that make a service load the agent; `preloadUrl` is the file URL of preload.mjs. */
export function agentEnv(options: {
  socket: string;
  token: string;
  main: string;
  preloadUrl: string;
}): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${options.preloadUrl}`,
    KILN_AGENT_MAIN: options.main,
    KILN_AGENT_SOCKET: options.socket,
    KILN_AGENT_TOKEN: options.token,
  };
}

/** Where the agent's preload module stands. */
export const agentPreloadUrl = new URL("preload.mjs", import.meta.url).href;

function exchangeLine(call: AgentCall): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  if (call.signal.aborted) return Promise.reject(unreachable(call, call.signal.reason));
  const path = call.socket.includes("/") ? call.socket : `\0${call.socket}`.padEnd(abstractNameLength, "\0");
  const socket = connect(path);
  const onAbort = (): void =>
    void socket.destroy(call.signal.reason instanceof Error ? call.signal.reason : new Error("aborted"));
  call.signal.addEventListener("abort", onAbort, { once: true });
  let text = "";
  socket.setEncoding("utf8");
  socket.on("connect", () =>
    socket.write(`${JSON.stringify({ token: call.token, command: call.command, params: call.params })}\n`),
  );
  socket.on("data", (part: string) => {
    text += part;
    if (text.length > answerLimit) socket.destroy(new Error("the answer is too long"));
    const end = text.indexOf("\n");
    if (end < 0) return;
    resolve(text.slice(0, end));
    socket.destroy();
  });
  socket.on("error", (error) => reject(unreachable(call, error)));
  socket.on("close", () => {
    call.signal.removeEventListener("abort", onAbort);
    reject(unreachable(call, new Error("the connection closed without an answer")));
  });
  return promise;
}

function unreachable(call: AgentCall, cause: unknown): KilnError {
  return environmentError(
    "agent-unreachable",
    // Of an abstract name the message has the whole of sun_path.
    `the agent did not answer ${call.command}: ${messageOf(cause).replaceAll("\0", "")}`,
    { cause },
  );
}

type Answer = { readonly ok: true; readonly result: Json } | { readonly ok: false; readonly error: string };

function parseAnswer(line: string): Answer {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { ok: false, error: `not JSON: ${messageOf(error)}` };
  }
  if (typeof value !== "object" || value === null || !("ok" in value))
    return { ok: false, error: `not an answer: ${line.slice(0, 100)}` };
  if (value.ok === true) return { ok: true, result: "result" in value ? (value.result as Json) : null };
  return { ok: false, error: "error" in value ? String(value.error) : "no reason given" };
}
