// Stretches in which Toxiproxy, through which all traffic goes, was frozen or dead: missing evidence (missing-evidence.ts). What users saw
// then was Kiln's doing, neither outage nor recovery.
import type { EventOf } from "../journal/events.ts";
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { LoadIndex } from "./load-index.ts";
import type { MissingStretch } from "./missing-evidence.ts";
import { settledMs } from "./settled.ts";

export interface ProxyStretch extends MissingStretch {
  /** Last known to be well, and working again; null where it never was. Around it lies what requests and reconnecting need. */
  readonly goneMs: number;
  readonly backMs: number | null;
  readonly events: readonly number[];
}

export function isProxyStretch(stretch: MissingStretch): stretch is ProxyStretch {
  return stretch.reason === "proxy";
}

/** In order, merged where they touch. */
export function proxyStretches(plan: Plan, evidence: Evidence, load: LoadIndex): ProxyStretch[] {
  const found: ProxyStretch[] = [];
  for (const { goneMs, backMs, events } of goneTimes(evidence)) {
    // A request that was under way when it froze had been sent up to one time-out before.
    const fromMs = goneMs - plan.load.timeoutMs;
    const toMs = backMs === null ? Math.max(evidence.endMs, load.endMs) : settledMs(load, backMs);
    const last = found.at(-1);
    if (last !== undefined && fromMs <= last.toMs) {
      const merged = { toMs: Math.max(last.toMs, toMs), backMs, events: [...last.events, ...events] };
      found[found.length - 1] = { ...last, ...merged };
    } else found.push({ fromMs, toMs, reason: "proxy", what: "Toxiproxy was gone", goneMs, backMs, events });
  }
  return found;
}

interface Gone {
  readonly goneMs: number;
  readonly backMs: number | null;
  readonly events: readonly number[];
}

function goneTimes(evidence: Evidence): Gone[] {
  const found: Gone[] = [];
  let open: EventOf<"control-plane">[] = [];
  const close = (backMs: number | null): void => {
    const goneMs = Math.min(...open.map(({ fromMs, atMs }) => fromMs ?? atMs));
    if (open.length > 0) found.push({ goneMs, backMs, events: open.map(({ seq }) => seq) });
    open = [];
  };
  for (const event of evidence.eventsOf("control-plane")) {
    if (event.state === undefined) continue;
    open.push(event);
    if (event.state === "replaced") close(event.atMs);
  }
  close(null);
  return found;
}
