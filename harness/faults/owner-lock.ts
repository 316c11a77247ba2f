// The lock of a configuration file, held the way its owner holds it (docs/stacks.md, "Configuration files"): the lock file appears whole and
// names a process. Whoever finds that process dead may break the lock, so one that Kiln holds does not outlive Kiln.
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { eventually } from "../support/clock.ts";
import { hasErrno } from "../support/errors.ts";
import { identify, isAlive, type ProcessIdentity } from "../support/process-identity.ts";

const contentSchema = z.object({
  pid: z.int(),
  startTicks: z.number(),
  bootId: z.string(),
  token: z.string(),
});
type LockContent = z.infer<typeof contentSchema>;

const retryMs = 10;

/** Takes the lock in the name of this process; waits while somebody else has it. Rejects when the signal aborts before. */
export async function takeLock(path: string, token: string, signal: AbortSignal): Promise<void> {
  await eventually(async () => ((await tryLock(path, token)) ? true : undefined), signal, retryMs);
}

/** The living process that holds the lock under this token, or undefined. */
export async function holderOf(path: string, token: string): Promise<ProcessIdentity | undefined> {
  const content = await readLock(path);
  return content?.token === token && isAlive(content) ? content : undefined;
}

/**
 * Removes the lock if it still is the one taken under this token. Under the guard that whoever breaks a lock must hold: once its
 * process is dead, the owner may break it and take it at any moment, and that lock is not ours to remove.
 */
export async function releaseLock(path: string, token: string, signal: AbortSignal): Promise<void> {
  const guard = `${path}.break`;
  await clearDead(path, guard, token);
  if ((await readLock(path))?.token !== token) return;
  await takeLock(guard, token, signal);
  try {
    if ((await readLock(path))?.token === token) await rm(path, { force: true });
  } finally {
    if ((await readLock(guard))?.token === token) await rm(guard, { force: true });
  }
}

/** What a process of ours left that died while it took or gave back the lock. */
async function clearDead(path: string, guard: string, token: string): Promise<void> {
  await Promise.all([path, guard].map((name) => rm(`${name}.${token}`, { force: true })));
  const content = await readLock(guard);
  if (content?.token === token && !isAlive(content)) await rm(guard, { force: true });
}

/** Written aside and linked under its name, which fails when the name is taken: nobody ever sees half a lock. */
async function tryLock(path: string, token: string): Promise<boolean> {
  const self = identify(process.pid);
  if (self === undefined) throw new Error("this process is not in /proc");
  const aside = `${path}.${token}`;
  const content: LockContent = { ...self, token };
  await writeFile(aside, JSON.stringify(content), { mode: 0o600 });
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** Undefined when there is no lock, or one in another form: it is not ours then. */
async function readLock(path: string): Promise<LockContent | undefined> {
  try {
    return contentSchema.safeParse(JSON.parse(await readFile(path, "utf8"))).data;
  } catch (error) {
    if (hasErrno(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
