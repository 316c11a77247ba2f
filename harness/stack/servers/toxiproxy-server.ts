// Toxiproxy as a part of the stack: one server, a proxy for each link.
import type { Tools } from "../../support/tools.ts";
import { serviceDir } from "../record.ts";
import { toxiproxyControl } from "../toxiproxy.ts";
import type { BringUpContext, Launch } from "./server.ts";

export const toxiproxyName = "toxiproxy";

/** Needs no more of the context than a process that replaces it later can have. */
export function toxiproxyLaunch(
  ctx: Pick<BringUpContext, "record" | "spawn"> & { readonly tools: Pick<Tools, "toxiproxy"> },
): Launch {
  const { record, spawn, tools } = ctx;
  const port = record.toxiproxyPort;
  const control = toxiproxyControl({ host: "127.0.0.1", port });
  return {
    name: toxiproxyName,
    stopSignal: "SIGTERM",
    awaited: `its control plane on port ${port}`,
    prepare: () => Promise.resolve(),
    start: () =>
      spawn({
        name: toxiproxyName,
        command: tools.toxiproxy,
        args: ["-host", "127.0.0.1", "-port", String(port)],
        // Its default level logs every chunk of data.
        env: { LOG_LEVEL: "error" },
        cwd: serviceDir(record.runDir, toxiproxyName),
      }),
    ready: async () => void (await control.version()),
    afterFirstStart: async () => {
      for (const link of record.spec.links) {
        const [listenPort = 0, upstreamPort = 0] = [
          record.linkPorts[link.name],
          record.servicePorts[link.to],
        ];
        await control.createProxy({ name: link.name, listenPort, upstreamPort });
      }
    },
  };
}
