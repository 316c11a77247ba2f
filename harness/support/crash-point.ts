// Named points around everything that must survive a crash. Off unless KILN_CRASH_POINT names one: then the process stops there (SIGSTOP)
// when it passes it for the first time, and a test that sees it stopped decides who is killed before it goes on. For Kiln's own tests.

export const crashPoints = [
  "ledger-fault-before",
  "ledger-fault-after",
  "ledger-memory-before",
  "ledger-memory-after",
  "inject-before",
  "inject-after",
  "confirm-before",
  "confirm-after",
  "heal-before",
  "heal-after",
  "ledger-healed-before",
  "ledger-healed-after",
] as const;
export type CrashPoint = (typeof crashPoints)[number];

let armed = process.env["KILN_CRASH_POINT"];

export function crashPoint(name: CrashPoint): void {
  if (armed !== name) return;
  armed = undefined;
  process.kill(process.pid, "SIGSTOP");
}
