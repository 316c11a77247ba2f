// For the contract's `repair` of faults inside a process: somebody starts the service again while the fault is in it.
import { deadline, eventually } from "../../support/clock.ts";
import { jobsOf, type TestStack } from "./test-stack.ts";

/** Kills the service and starts it again. What is left then: the new process, which serves and has no job. */
export async function restarted(
  stack: TestStack,
  service: "alpha" | "beta",
): Promise<() => Promise<unknown>> {
  const handle = stack.handle.process(service);
  const old = handle.find();
  if (old === undefined) throw new Error(`${service} does not run`);
  handle.signal(old, "SIGKILL");
  await eventually(() => (handle.find() === undefined ? true : undefined), deadline(5_000));
  await stack.revive(service);
  return async () => {
    const { status } = await stack.handle.http(service, "/health", { signal: deadline(5_000) });
    return { process: handle.find(), status, jobs: await jobsOf(stack, service) };
  };
}
