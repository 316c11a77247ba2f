// What the faults on a link's proxy have in common.
import type { Toxic } from "../stack/stack.ts";
import { sleep } from "../support/clock.ts";
import { calm } from "./expectations.ts";
import type { Expectation, ExpectationScene, FaultContext } from "./fault.ts";

export interface LinkOptions {
  readonly link: string;
}

export const linkTarget = ({ link }: LinkOptions): string => `link:${link}`;

/** Nothing useful crosses the link while the fault holds: without service where users need the link, borne where they do not. */
export function costsTheLink({ link }: LinkOptions, { stack, holdMs }: ExpectationScene): Expectation {
  const essential = stack.links.find((candidate) => candidate.name === link)?.essential === true;
  return { ...calm, unavailableMs: essential ? holdMs : 0 };
}

/** Waiting longer for what a toxic still holds would put off the healing of everything else. */
const longestWaitMs = 1_000;

/**
 * Takes away a toxic that holds data back, for `heldMs` at most. First it is made harmless and what it holds may drain; then it goes.
 *
 * Toxiproxy 2.12 stops what it does on every connection of the link to change or remove a toxic. For each piece of data that is held for a
 * client which has left it then waits 5 s, and meanwhile nobody can connect: ten answers under way when their client gave up cost 40 s.
 * A client that leaves in that very moment can hang it for good. With nothing held, neither was seen except under a hundred leaving clients a
 * second on a machine with no core free; a Toxiproxy that hangs is replaced (stack/control-plane.ts). Fine with a toxic that is gone.
 */
export async function easeOff(
  ctx: FaultContext,
  link: string,
  harmless: Toxic,
  heldMs: number,
): Promise<void> {
  const proxy = ctx.stack.proxy(link);
  if (!(await proxy.updateToxic(harmless, { keepHeld: true }))) return;
  // What drains cannot be seen from outside, but when it must have drained is known.
  await sleep(Math.min(heldMs, longestWaitMs), ctx.signal, ctx.clock);
  if (heldMs > longestWaitMs) await proxy.updateToxic(harmless);
  await proxy.removeToxic(harmless.name);
}
