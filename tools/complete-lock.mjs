// Completes package-lock.json after `npm install` has changed it: adds the entries of optional packages for other systems (the compiled
// parts of oxlint, oxfmt, knip) which a registry did not have on that day. npm leaves them out silently, and `npm ci` then refuses the lock
// file as out of step, here and everywhere. Such an entry has the exact version but no checksum; it is never installed on a system it does
// not name. Usage: node tools/complete-lock.mjs
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { completeLock } from "./setup-lib.mjs";

const file = join(dirname(dirname(fileURLToPath(import.meta.url))), "package-lock.json");
const { lock, added } = completeLock(JSON.parse(readFileSync(file, "utf8")));
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`package-lock.json: ${added.length} entries added\n`);
