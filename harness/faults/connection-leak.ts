// A service leaks connections: sessions to the target of one of its links, through the link's proxy, opened by Kiln's agent inside the
// service and never used. With PostgreSQL each is a real session and takes one of the server's slots. Sessions that the server ends (an HTTP
// server ends idle ones) are replaced at the same rate. Where `most` takes the last slot, the service's own pool cannot grow or reconnect.
import { z } from "zod";
import type { ServiceSpec, StackSpec } from "../scenario/stack-spec.ts";
import { usageError } from "../support/errors.ts";
import { grantPermit, jobIn, servingProcess, startJob, stopJob, withdrawPermit } from "./agent-job.ts";
import { confirmGrowth, confirmLeakWithinMs, growthLookMs } from "./counted-leak.ts";
import { calm } from "./expectations.ts";
import { defineFault } from "./fault.ts";
import { countSessionsTo } from "./open-descriptors.ts";
import { requireHold } from "./shortest-hold.ts";

export interface ConnectionLeakOptions {
  /** The service that leaks. */
  readonly service: string;
  /** One of its links. */
  readonly link: string;
  /** 1 to 100. */
  readonly perSecond: number;
  /** Stays at so many once they are open; 5 to 1,000. */
  readonly most: number;
}

export const connectionLeak = defineFault<ConnectionLeakOptions>({
  name: "connection-leak",
  summary: "A service leaks connections over one of its links at a steady rate, up to a number.",
  needs: ["agent", "process"],
  kind: "held",
  options: z.strictObject({
    service: z.string().min(1),
    link: z.string().min(1),
    perSecond: z.number().min(1).max(100),
    most: z.int().min(5).max(1_000),
  }),
  target: ({ service }) => `service:${service}`,
  expect: (options, { stack, holdMs }) => {
    checkLink(options, stack);
    requireHold("connection-leak", holdMs, growthLookMs(options));
    return calm;
  },
  confirmWithinMs: confirmLeakWithinMs,

  async inject(ctx, { service, link, perSecond, most }) {
    const { host, port, link: spec } = ctx.stack.proxy(link);
    const target = ctx.stack.spec.services.find((candidate) => candidate.name === spec.to);
    const identity = servingProcess(ctx, service);
    const before = await countSessionsTo(identity.pid, port);
    const permit = await grantPermit(ctx);
    await startJob(ctx, service, {
      command: "connections",
      params: { host, port, perSecond, most, permit, ...greetings(target) },
      identity,
      before,
    });
  },

  /** Established connections of the process that serves now to the link's proxy, as the kernel lists them. */
  async confirm(ctx, { service, link, perSecond, most }) {
    const job = jobIn(ctx, service);
    if (typeof job === "string") return { effective: false, saw: job };
    const { identity, before = 0 } = job;
    const { port } = ctx.stack.proxy(link);
    const what = `connections over ${link}`;
    const count = () => countSessionsTo(identity.pid, port);
    return confirmGrowth(ctx, { what, unit: "connections", perSecond, most, before, count });
  },

  async heal(ctx, { service }) {
    await withdrawPermit(ctx);
    await stopJob(ctx, service);
  },
});

function checkLink({ service, link }: ConnectionLeakOptions, { links }: StackSpec): void {
  const own = links.filter(({ from }) => from === service).map(({ name }) => name);
  if (own.includes(link)) return;
  const known = own.length === 0 ? "it has none" : `it has ${own.join(", ")}`;
  throw usageError("fault-link-unknown", `connection-leak: ${service} has no link "${link}" (${known})`, {
    hint: "name a link that leads from the service that leaks",
  });
}

/** What a session begins and ends with, where the server would not count it as one otherwise. */
function greetings(target: ServiceSpec | undefined): { hello?: string; goodbye?: string } {
  if (target?.kind !== "postgres") return {};
  const { user, database } = target;
  const fields = { user, database, application_name: "kiln-connection-leak" };
  const body = Object.entries(fields).flatMap(([name, value]) => [name, value]);
  return {
    hello: startupMessage(`${body.join("\0")}\0\0`).toString("base64"),
    // Terminate: "X" and the length 4.
    goodbye: Buffer.from([0x58, 0, 0, 0, 4]).toString("base64"),
  };
}

/** Length, protocol 3.0, names and values: "Message Formats" in PostgreSQL's documentation. */
function startupMessage(parameters: string): Buffer {
  const body = Buffer.from(parameters);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, body]);
}
