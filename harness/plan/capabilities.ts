// What each part of a stack offers to faults, derived from its description alone: nothing is running yet when a plan is made.
import type { Capability, ServiceSpec, StackSpec } from "../scenario/stack-spec.ts";

/**
 * Target of a fault ("link:postgres", "service:gateway", "config:gateway") -> what can be done there. A config file offers what its owner's
 * process offers, too.
 */
export function capabilitiesOf(stack: StackSpec): ReadonlyMap<string, ReadonlySet<Capability>> {
  const found = new Map<string, ReadonlySet<Capability>>();
  for (const link of stack.links) found.set(`link:${link.name}`, new Set<Capability>(["proxy", "netem"]));
  for (const service of stack.services)
    found.set(`service:${service.name}`, new Set(serviceCapabilities(service, stack)));
  for (const file of stack.configFiles ?? []) {
    found.set(
      `config:${file.name}`,
      new Set<Capability>([
        "config-file",
        ...(file.lockFile === undefined ? [] : (["config-lock"] as const)),
        ...(found.get(`service:${file.service}`) ?? []),
      ]),
    );
  }
  return found;
}

/** "control" needs, besides the endpoint, a way to see from outside what it does: a probe request and a link that leads there. */
function serviceCapabilities(service: ServiceSpec, stack: StackSpec): Capability[] {
  const every: Capability[] = ["process", "cpu-quota", "memory-limit"];
  if (service.volume !== undefined) every.push("volume");
  if (service.kind !== "program") return [...every, "store", service.kind];
  const capabilities: Capability[] = [...every];
  if (service.agentMain !== undefined) capabilities.push("agent");
  const visible = service.controlProbe !== undefined && stack.links.some(({ to }) => to === service.name);
  if (service.controlPath !== undefined && visible) capabilities.push("control");
  return capabilities;
}
