// Starts a stamp server for one measured run, warms it up, and fetches its stamps at the end.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { join } from "node:path";
import { freePort } from "../harness/support/free-ports.ts";
import { readStamps, type Arrival } from "./lateness.ts";

export interface StampServer {
  readonly port: number;
  /** Ends the server; resolves with all arrivals in their order. */
  finish(): Promise<Arrival[]>;
  /** Ends it without reading anything; resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
}

const warmUpRequests = 300;

/** A fresh server a run: what one run left in its heap must not burden the next. */
export async function startStampServer(folder: string, name: string): Promise<StampServer> {
  const port = await freePort(`stamps ${process.pid}`);
  const file = join(folder, `${name}.stamps`);
  // Its standard input ends with this process, and the server with it.
  const child = spawn(process.execPath, [join(import.meta.dirname, "stamp-server.ts"), String(port), file], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  await Promise.race([
    once(child.stdout, "data"),
    exited.then(() => {
      throw new Error(`the stamp server ended at once (exit code ${child.exitCode}, port ${port})`);
    }),
  ]);
  await warmUp(port);
  return {
    port,
    async finish() {
      child.kill("SIGTERM");
      await exited;
      return readStamps(readFileSync(file));
    },
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** Compiled code before the first stamp: else the anchor and the first lateness would be the server's own. */
async function warmUp(port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let n = 0; n < warmUpRequests; n += 1) {
    await new Promise<void>((resolve, reject) => {
      get({ host: "127.0.0.1", port, path: "/warm-up", agent }, (answer) => {
        answer.resume();
        answer.on("end", resolve);
      }).on("error", reject);
    });
  }
  agent.destroy();
}
