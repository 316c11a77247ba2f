import { execFile } from "node:child_process";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { systemClock } from "../support/clock.ts";
import { isUnanswered, toxiproxyControl } from "./toxiproxy.ts";

const run = promisify(execFile);
let server: Server;
const sockets = new Set<Socket>();

/** A server that does with each connection what the test says. */
async function serve(onConnection: (socket: Socket) => void): Promise<{ host: string; port: number }> {
  server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.close();
});

const answering = (status: string, body: string) => (socket: Socket) =>
  socket.once("data", () =>
    socket.end(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`),
  );

it("gives up a frozen control plane after 2 s, and the process that asked can end at once", async () => {
  const { port } = await serve(() => undefined);
  const code = `import { toxiproxyControl } from ${JSON.stringify(join(import.meta.dirname, "toxiproxy.ts"))};
    const control = toxiproxyControl({ host: "127.0.0.1", port: ${port} });
    const toxic = { name: "t", type: "latency", stream: "downstream", attributes: {} };
    const calls = [control.version(), control.addToxic("p", toxic), control.removeToxic("p", "t"), control.setEnabled("p", true)];
    const ends = await Promise.allSettled(calls);
    console.log(ends.map(({ reason }) => reason.code).join(" "), Math.round(process.uptime() * 1000));`;
  const fromMs = systemClock.nowMs();
  const { stdout } = await run(process.execPath, ["--input-type=module-typescript", "-e", code]);
  const [, toldAtMs = 0] = / (\d+)\n$/.exec(stdout) ?? [];
  expect(stdout.match(/toxiproxy-unanswered/g)).toHaveLength(4);
  expect(Number(toldAtMs)).toBeLessThan(4_000);
  // No socket of the calls that were given up keeps it: it ends within half a second of its last word.
  expect(systemClock.nowMs() - fromMs - Number(toldAtMs)).toBeLessThan(700);
});

it("tells nobody there, a broken connection and a refusal apart", async () => {
  const at = await serve(answering("409 Conflict", '{"error":"toxic already exists"}'));
  const refused = await toxiproxyControl(at)
    .createProxy({ name: "p", listenPort: 1, upstreamPort: 2 })
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: "toxiproxy-refused",
    message: expect.stringContaining("toxic already exists"),
  });
  expect(isUnanswered(refused)).toBe(false);
  server.close();
  const broken = await serve((socket) => socket.once("data", () => socket.destroy()));
  const gone = await toxiproxyControl(broken)
    .version()
    .catch((error: unknown) => error);
  expect(gone).toMatchObject({ code: "toxiproxy-unreachable" });
  expect(isUnanswered(gone)).toBe(true);
  server.close();
  const nobody = await toxiproxyControl({ ...broken, port: 1 })
    .version()
    .catch((error: unknown) => error);
  expect(nobody).toMatchObject({ code: "toxiproxy-unreachable" });
});

it("takes an absent toxic for a removed one", async () => {
  const at = await serve(answering("404 Not Found", '{"error":"toxic not found"}'));
  await toxiproxyControl(at).removeToxic("p", "t");
  await expect(toxiproxyControl(at).state("p")).rejects.toMatchObject({ code: "toxiproxy-refused" });
});
