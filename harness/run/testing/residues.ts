// What a run could leave on the machine, looked at from outside: for tests that compare before and after.
import { readFileSync, readdirSync } from "node:fs";
import { canBind } from "../../support/free-ports.ts";
import { type MembershipQuery, membersOf } from "../../stack/membership.ts";

/** Lines that name what is there now: members, PostgreSQL's shared memory, orphaned System V segments, ports of the run that are taken. */
export async function residues(query: MembershipQuery): Promise<string[]> {
  const members = membersOf(query).map(({ identity, command }) => `process ${identity.pid} ${command}`);
  const segments = readFileSync("/proc/sysvipc/shm", "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    // Column 7 is the number of attached processes: a segment in use belongs to a living server.
    .filter((columns) => columns[6] === "0")
    .map((columns) => `System V segment ${columns[1]}`);
  const files = readdirSync("/dev/shm")
    .filter((name) => name.startsWith("PostgreSQL."))
    .map((name) => `/dev/shm/${name}`);
  const ports: string[] = [];
  for (const port of query.ports ?? []) if (!(await canBind(port))) ports.push(`port ${port}`);
  return [...members, ...segments, ...files, ...ports];
}
