// For the tests of faults that use control groups: what is left of one, and somebody else who moves a process meanwhile.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CgroupController,
  type Hierarchy,
  groupOf,
  groupsOfRun,
  hierarchyOf,
  moveInto,
  processesIn,
  removeGroup,
} from "../../stack/control-groups.ts";
import type { TestStack } from "./test-stack.ts";

/** The process that serves; an error where there is none. */
function servingPid({ handle }: TestStack, service: string): number {
  const identity = handle.process(service).find();
  if (identity === undefined) throw new Error(`${service} does not serve`);
  return identity.pid;
}

function hierarchy(controller: CgroupController): Hierarchy {
  const found = hierarchyOf(controller);
  if (found === undefined) throw new Error(`no ${controller} controller here`);
  return found;
}

/** The run that a stack's processes are marked for. */
export function runIdOf(stack: TestStack): string {
  const environment = readFileSync(`/proc/${servingPid(stack, "beta")}/environ`, "utf8");
  return /KILN_RUN=([^\0]*)/.exec(environment)?.[1] ?? "";
}

/** Groups of the stack's run, and services that are in one. */
export function groupResidues(stack: TestStack, controller: CgroupController): string[] {
  const inside = ["alpha", "beta"].filter((name) => {
    const serving = stack.handle.process(name).find();
    return serving !== undefined && groupOf(serving.pid, hierarchy(controller))?.includes("@") === true;
  });
  return [...groupsOfRun(runIdOf(stack)), ...inside.map((name) => `${name} is in a group of a fault`)];
}

/** Where this process is: services start there, too. */
const home = (controller: CgroupController): string => groupOf(process.pid, hierarchy(controller)) ?? "";
const elsewhere = (controller: CgroupController): string =>
  join(home(controller), `kiln-elsewhere-${process.pid}`);

/** Somebody else puts a service's process into a group of his own; returns how to look where it is. */
export async function moveElsewhere(
  stack: TestStack,
  service: string,
  controller: CgroupController,
): Promise<() => Promise<string | undefined>> {
  const pid = servingPid(stack, service);
  mkdirSync(elsewhere(controller));
  moveInto(elsewhere(controller), pid);
  return async () => groupOf(pid, hierarchy(controller));
}

/** Takes back what `moveElsewhere` did, if it did anything. */
export async function bringHome(controller: CgroupController): Promise<void> {
  for (const pid of processesIn(elsewhere(controller))) moveInto(home(controller), pid);
  await removeGroup(elsewhere(controller));
}
