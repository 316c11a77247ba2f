// Starts small real programs for the faults' tests: on a free port below the ephemeral range, ended by pid.
import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { deadline, eventually } from "../../support/clock.ts";
import { messageOf } from "../../support/errors.ts";
import { identify, type ProcessIdentity } from "../../support/process-identity.ts";
import { loadTools, projectRoot } from "../../support/tools.ts";

export interface Victim {
  readonly port: number;
  readonly identity: ProcessIdentity;
  readonly child: ChildProcess;
  /** All that it wrote to stdout and stderr so far. */
  output(): string;
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
}

const firstPort = 20_000;
const portCount = 12_000;
let lastPort = firstPort + ((process.pid * 37) % portCount);

/** A port of 127.0.0.1 that nobody listens on now. Starts from a place of this process's own, so that parallel tests rarely meet. */
export async function freePort(): Promise<number> {
  for (;;) {
    lastPort = firstPort + ((lastPort - firstPort + 1) % portCount);
    const port = lastPort;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    if (await promise) return port;
  }
}

export interface VictimOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly port: number;
  /** Resolves when it serves; rejects while it does not. */
  readonly ready: (port: number) => Promise<unknown>;
}

export async function startVictim(options: VictimOptions): Promise<Victim> {
  const child = spawn(options.command, options.args, {
    env: { PATH: process.env["PATH"] ?? "", PORT: String(options.port), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  child.stderr.setEncoding("utf8").on("data", (part: string) => (text += part));
  const { promise: exited, resolve } = Promise.withResolvers<number | null>();
  child.once("exit", (code) => resolve(code));
  child.once("error", (error) => {
    text += messageOf(error);
    resolve(null);
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
  };
  const serves = (): Promise<true | undefined> => {
    if (child.exitCode !== null || child.pid === undefined) throw new Error("it ended");
    return options.ready(options.port).then(
      () => true,
      () => undefined,
    );
  };
  try {
    await eventually(serves, deadline(20_000));
  } catch (error) {
    await stop();
    throw new Error(`${options.command} does not serve: ${text}`, { cause: error });
  }
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error(`${options.command} is gone: ${text}`);
  return {
    port: options.port,
    identity,
    child,
    output: () => text,
    exited,
    stop,
  };
}

/** GET that must answer 2xx. */
async function httpReady(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(1_000) });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`status ${answer.status}`);
}

/** The calm HTTP service (fixtures/victims/calm-service.mjs), on the Node that set-up installed unless another is named. */
export async function startCalmService(
  env: Readonly<Record<string, string>> = {},
  port?: number,
  node?: string,
): Promise<Victim> {
  return startVictim({
    command: node ?? loadTools().node,
    args: [join(projectRoot, "fixtures", "victims", "calm-service.mjs")],
    env,
    port: port ?? (await freePort()),
    ready: httpReady,
  });
}
