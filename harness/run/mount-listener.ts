// What the run does about the stack's mounts: each is in the ledger before it is made, and one without its limit of size is in the journal.
import type { JournalWriter } from "../journal/events.ts";
import type { MountListener } from "../stack/volumes.ts";
import type { Ledger } from "./ledger.ts";

export function createMountListener(ledger: Ledger, journal: JournalWriter): MountListener {
  return {
    announce: async (path) => void (await ledger.append({ op: "mount", path })),
    note: (text) => void journal.write({ type: "note", level: "warning", text }),
  };
}
