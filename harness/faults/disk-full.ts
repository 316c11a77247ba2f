// A service's own disk is full: one file of Kiln's on the service's volume takes all but a few bytes of it, and grows again where the
// service makes room. Only ever on a volume, a file system of limited size that is mounted for that service alone: where that is a folder
// of a larger file system, injecting is refused.
import { z } from "zod";
import { formatBytes } from "../support/bytes.ts";
import { sleep } from "../support/clock.ts";
import { calm } from "./expectations.ts";
import { defineFault } from "./fault.ts";
import { anyAnswer, isBroughtBack, outageMs, roleOf, serverBackMs } from "./service-roles.ts";
import { sizeSchema } from "./size-schema.ts";

export interface DiskFullOptions {
  readonly service: string;
  /** Bytes that stay free; a text such as "64KiB" before it is parsed. */
  readonly leave: number;
}

const kib = 1_024;
/** File systems hand out blocks of this size; free space within one of them of what was asked is what was asked. */
const blockBytes = 4 * kib;
/** Half way between the asked room and twice of it, on a ratio scale. */
const mostRatio = Math.SQRT2;
const refillEveryMs = 250;

export const diskFull = defineFault<DiskFullOptions>({
  name: "disk-full",
  summary: "A service's own volume is full but for a few bytes.",
  needs: ["volume"],
  kind: "held",
  options: z.strictObject({
    service: z.string().min(1),
    leave: sizeSchema({ least: 0, most: 64 * kib * kib }),
  }),
  target: ({ service }) => `service:${service}`,
  /** A program has to bear it. A database server may end over it, and cannot come back before heal; then its watchdog or the driver brings it. */
  expect: ({ service }, { stack, holdMs }) => {
    const spec = stack.services.find(({ name }) => name === service);
    if (spec?.kind === "program") return calm;
    const unavailableMs = outageMs(service, stack, holdMs);
    if (!isBroughtBack(roleOf(service, stack))) return { ...calm, revivedByDriver: true, unavailableMs };
    return { ...anyAnswer, keptUp: true, unavailableMs: outageMs(service, stack, holdMs + serverBackMs) };
  },

  async inject(ctx, { service, leave }) {
    await ctx.stack.volume(service).fill(fillName(ctx.id), leave, { make: true, signal: ctx.signal });
  },

  async sustain(ctx, { service, leave }) {
    const volume = ctx.stack.volume(service);
    for (;;) {
      await sleep(refillEveryMs, ctx.signal, ctx.clock);
      // Without the file somebody else has healed the fault: it is not made again.
      if (volume.freeBytes() > leave + blockBytes)
        await volume.fill(fillName(ctx.id), leave, { make: false, signal: ctx.signal });
    }
  },

  /** Written to the end, with a file of Kiln's own that is removed at once: what the file system says of itself is not what a writer gets. */
  async confirm(ctx, { service, leave }) {
    const volume = ctx.stack.volume(service);
    const fillBytes = volume.sizeOf(fillName(ctx.id)) ?? 0;
    if (fillBytes === 0)
      return { effective: false, saw: `the volume of ${service} holds no file of this fault` };
    const tryBytes = 2 * leave + 16 * blockBytes;
    const { wroteBytes, full } = await volume.tryWrite(`${fillName(ctx.id)}-look`, tryBytes, ctx.signal);
    const wrote = `${formatBytes(wroteBytes)} could be written to the volume of ${service}`;
    return {
      effective: full && wroteBytes <= mostRatio * leave + blockBytes,
      saw: full ? `${wrote} until it was full (ENOSPC)` : `${wrote} and it was not full`,
      magnitude: { asked: leave / kib, measured: wroteBytes / kib, unit: "KiB" },
    };
  },

  async heal(ctx, { service }) {
    const volume = ctx.stack.volume(service);
    volume.remove(fillName(ctx.id));
    volume.remove(`${fillName(ctx.id)}-look`);
  },
});

/** Known from the fault's id alone, so that nothing has to be remembered. */
function fillName(id: string): string {
  return `.kiln-${id}`;
}
