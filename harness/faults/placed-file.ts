// How a configuration fault puts something else in a file's place, whole, by one rename; how it is told afterwards what became of it; and
// how the original comes back.
//
// Both inodes get a second name (hard link) in the run's scratch folder: `good` keeps the original with its bytes, owner, mode and times,
// `held` keeps hold of what took its place, so that it can be recognised whatever the stack did meanwhile. So scratchDir must be on the same
// file system as the file.
import type { BigIntStats } from "node:fs";
import { link, lstat, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { environmentError, hasErrno } from "../support/errors.ts";
import { sha256 } from "../support/json.ts";
import type { FaultContext } from "./fault.ts";

export const placementSchema = z.object({
  path: z.string(),
  /** Second name of the original. */
  good: z.string(),
  /** Second name of what was put in its place. */
  held: z.string(),
  /** SHA-256 of the bytes that were put there; null where it has none (a link). */
  hash: z.string().nullable(),
  /** Change time of `held` once it stood in its place, nanoseconds; null until it did. */
  placedNs: z.string().nullable(),
});
export type Placement = z.infer<typeof placementSchema>;

export interface PlaceRequest {
  readonly path: string;
  /** Makes what is put in place under the name `aside`, from the original's bytes. Resolves to the hash of its bytes, or null. */
  readonly make: (aside: string, original: Buffer, stats: BigIntStats) => Promise<string | null>;
  /** Called before the rename and once more after it, with all that heal and confirm need. */
  readonly remember: (placement: Placement) => Promise<void>;
}

/** Throws `config-changed` (environment) when somebody else replaced the file meanwhile: then nothing was done to it. */
export async function placeFile(ctx: FaultContext, { path, make, remember }: PlaceRequest): Promise<void> {
  const { good, held, aside } = namesFor(ctx, path);
  await clearNames(ctx, path);
  await link(path, good);
  const stats = await lstat(good, { bigint: true });
  const hash = await make(aside, await readFile(good), stats);
  await link(aside, held);
  const placement: Placement = { path, good, held, hash, placedNs: null };
  await remember(placement);
  // As late as possible: an update that came meanwhile must not be undone.
  if ((await statOf(path))?.ino !== stats.ino)
    throw environmentError("config-changed", `${path} was replaced by somebody else just now`);
  await rename(aside, path);
  const placed = await lstat(held, { bigint: true });
  await remember({ ...placement, placedNs: String(placed.ctimeNs) });
}

/** Writes bytes under a new name with the owner and the mode of the file that it is to replace, and flushes them. */
export async function writeLike(path: string, bytes: Buffer, like: BigIntStats): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(bytes);
    const own = await handle.stat({ bigint: true });
    // Only root may give a file away, and only where it is needed.
    if (own.uid !== like.uid || own.gid !== like.gid) await handle.chown(Number(like.uid), Number(like.gid));
    await handle.chmod(Number(like.mode & 0o777n));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * in-place: what was put there still is there. rewritten: it is, with other bytes. replaced: another inode has its name now; as the rename
 * is one step, it surely had been in place before. never: it was not put in place. no-trace: nobody can tell any more.
 */
export type Fate =
  | { readonly state: "in-place" | "rewritten" | "never" | "no-trace" }
  | { readonly state: "replaced"; readonly afterMs: number };

export async function fateOf({ path, held, hash, placedNs }: Placement): Promise<Fate> {
  const ours = await statOf(held);
  if (ours === undefined) return { state: "no-trace" };
  if ((await statOf(path))?.ino === ours.ino) {
    if (hash === null || (await hashOf(path)) === hash) return { state: "in-place" };
    return { state: "rewritten" };
  }
  if (placedNs === null) return { state: "never" };
  // Losing its name sets an inode's change time.
  return { state: "replaced", afterMs: Number(ours.ctimeNs - BigInt(placedNs)) / 1e6 };
}

/** Puts the original back, only while what the fault put there is still in its place, unchanged; whatever else is there, others wrote. */
export async function takeBack(placement: Placement): Promise<void> {
  if ((await fateOf(placement)).state === "in-place") await rename(placement.good, placement.path);
}

/** Removes every name that `placeFile` may have left, also after half of it. Only after `takeBack`. */
export async function clearNames(ctx: FaultContext, path: string): Promise<void> {
  const names = namesFor(ctx, path);
  await Promise.all(Object.values(names).map((name) => rm(name, { force: true })));
}

function namesFor(ctx: FaultContext, path: string): Record<"good" | "held" | "aside", string> {
  const inScratch = join(ctx.stack.scratchDir, ctx.id);
  return { good: `${inScratch}.good`, held: `${inScratch}.held`, aside: `${path}.${ctx.id}.tmp` };
}

/** SHA-256 of the bytes at a path; undefined when nothing can be read there: no file, or a link that leads nowhere. */
export async function hashOf(path: string): Promise<string | undefined> {
  try {
    return sha256(await readFile(path));
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ELOOP")) return undefined;
    throw error;
  }
}

/** Of the name itself: a link is not followed. */
export async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
