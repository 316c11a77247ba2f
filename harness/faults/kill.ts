// A service's process is killed with SIGKILL: no clean-up, no last word. Who brings it back is the stack's business.
import { z } from "zod";
import { environmentError } from "../support/errors.ts";
import { isAlive } from "../support/process-identity.ts";
import { servingProcess } from "./agent-job.ts";
import { defineFault } from "./fault.ts";
import { identitySchema } from "./service-process.ts";
import { afterDeath } from "./service-roles.ts";

export interface KillOptions {
  readonly service: string;
}

const memorySchema = z.object({ service: z.string(), identity: identitySchema });

export const kill = defineFault<KillOptions>({
  name: "kill",
  summary: "A service's process is killed with SIGKILL.",
  needs: ["process"],
  kind: "momentary",
  options: z.strictObject({ service: z.string().min(1) }),
  target: ({ service }) => `service:${service}`,
  expect: ({ service }, { stack }) => afterDeath(service, stack),

  async inject(ctx, { service }) {
    const identity = servingProcess(ctx, service);
    await ctx.remember({ service, identity: { ...identity } });
    if (!ctx.stack.process(service).signal(identity, "SIGKILL")) {
      throw environmentError(
        "service-gone",
        `${service} (pid ${identity.pid}) ended before it could be killed`,
      );
    }
  },

  /** That very process (pid and start time) is gone. Whether the service answers again is no matter here. */
  async confirm(ctx, { service }) {
    const memory = ctx.recall();
    if (memory === undefined) return { effective: false, saw: `no process of ${service} was chosen` };
    const chosen = memorySchema.parse(memory);
    const { pid } = chosen.identity;
    if (chosen.service !== service)
      return { effective: false, saw: `the process chosen is one of ${chosen.service}` };
    const gone = !isAlive(chosen.identity);
    return {
      effective: gone,
      saw: gone
        ? `the process of ${service}, pid ${pid}, is gone`
        : `the process of ${service}, pid ${pid}, still runs`,
    };
  },

  /** There is nothing to take back. */
  async heal() {},
});
