// What the machine allows: a process with nothing else to do waits for a list of instants in the way that Kiln waits for a fault, and writes
// down how late it woke. Instants (CLOCK_MONOTONIC, milliseconds) come as a JSON array on stdin, the latenesses go out as one on stdout.
import { text } from "node:stream/consumers";
import { monotonicMs, sleepPrecisely, systemClock } from "../harness/support/clock.ts";

const never = new AbortController().signal;
const late: number[] = [];
for (const atMs of JSON.parse(await text(process.stdin)) as number[]) {
  await sleepPrecisely(atMs, never, systemClock);
  late.push(monotonicMs() - atMs);
}
process.stdout.write(JSON.stringify(late));
