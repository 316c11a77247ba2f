// A link is cut: its proxy is closed, so open connections drop and new ones are refused.
import { z } from "zod";
import { deadline } from "../support/clock.ts";
import { messageOf } from "../support/errors.ts";
import { calm } from "./expectations.ts";
import { defineFault } from "./fault.ts";

export interface LinkDownOptions {
  readonly link: string;
}

const exchangeLimitMs = 2_000;

export const linkDown = defineFault<LinkDownOptions>({
  name: "link-down",
  summary: "A link is cut: open connections drop, new ones are refused.",
  needs: ["proxy"],
  kind: "held",
  options: z.strictObject({ link: z.string().min(1) }),
  target: ({ link }) => `link:${link}`,
  expect: ({ link }, { stack, holdMs }) => {
    const essential = stack.links.find((candidate) => candidate.name === link)?.essential === true;
    return { ...calm, unavailableMs: essential ? holdMs : 0 };
  },

  async inject(ctx, { link }) {
    await ctx.stack.proxy(link).setEnabled(false);
  },

  /** Refused or dropped is down. Slow is not: an exchange that only exceeds its time limit does not confirm a cut. */
  async confirm(ctx, { link }) {
    const proxy = ctx.stack.proxy(link);
    const directMs = await proxy.exchangeDirect(deadline(exchangeLimitMs, ctx.signal));
    const limit = deadline(exchangeLimitMs, ctx.signal);
    try {
      await proxy.exchange(limit);
      return { effective: false, saw: `link ${link} still answers through its proxy` };
    } catch (error) {
      if (limit.aborted)
        return {
          effective: false,
          saw: `link ${link} gave no answer within ${exchangeLimitMs} ms, but was not refused`,
        };
      const direct = `${directMs.toFixed(1)} ms directly`;
      return {
        effective: true,
        saw: `link ${link} fails through its proxy (${messageOf(error)}) and its target answers in ${direct}`,
      };
    }
  },

  async heal(ctx, { link }) {
    await ctx.stack.proxy(link).setEnabled(true);
  },
});
