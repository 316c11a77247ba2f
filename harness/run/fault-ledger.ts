// The ledger as active faults see it: what they remember is on the disk before they go on, and is recalled from here.
import type { FaultLedger } from "../faults/active-fault.ts";
import type { Json } from "../support/json.ts";
import type { Ledger } from "./ledger.ts";

export function createFaultLedger(ledger: Ledger): FaultLedger {
  const memories = new Map<string, Json>();
  return {
    async fault(id, fault, options) {
      await ledger.append({ op: "fault", id, fault, options });
    },
    async memory(id, memory) {
      await ledger.append({ op: "memory", id, memory });
      memories.set(id, memory);
    },
    async healed(id, by) {
      await ledger.append({ op: "healed", id, by });
    },
    async healFailed(id, by, error) {
      await ledger.append({ op: "heal-failed", id, by, error });
    },
    recall: (id) => memories.get(id),
  };
}
