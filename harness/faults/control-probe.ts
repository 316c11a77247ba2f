// The request by which the misbehaviour of a service with a control endpoint is seen from outside.
import type { StackHandle } from "../stack/stack.ts";
import { environmentError } from "../support/errors.ts";
import type { Json } from "../support/json.ts";

export interface ControlProbe {
  readonly link: string;
  readonly method: string;
  readonly path: string;
  readonly body?: Json;
}

/** Throws `probe-missing` (environment) where the stack names no such request, or no link that leads to the service. */
export function controlProbeOf(stack: StackHandle, service: string): ControlProbe {
  const spec = stack.spec.services.find((candidate) => candidate.name === service);
  const link = stack.spec.links.find((candidate) => candidate.to === service);
  if (spec?.kind !== "program" || spec.controlProbe === undefined || link === undefined) {
    const hint = "give the service a controlProbe {method, path, body} and a link that leads to it";
    throw environmentError("probe-missing", `how ${service} answers cannot be seen from outside`, { hint });
  }
  return { link: link.name, ...spec.controlProbe };
}
