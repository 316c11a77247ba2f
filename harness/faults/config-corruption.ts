// A configuration file goes bad on disk, as a crashed writer or a careless hand leaves it. The stack must notice, never serve it, and go
// back to its last good version.
//
// Bytes are spoilt in place. "unreadable" puts a symbolic link to itself in the file's place: reading it fails (ELOOP) for root too, whom mode
// 000 would not stop, and a repair by rename replaces the link.
//
// A good stack may repair the file before anybody looks. The proof that it was bad is the kernel's: a second name (hard link) keeps hold
// of the very inode that was written, and its times tell whether it was still in its place then (see `wasCorrupt`; for the link, `fateOf`). So
// scratchDir must be on the same file system as the file.
import { link, open, readFile, rename, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { environmentError, hasErrno } from "../support/errors.ts";
import { sha256 } from "../support/json.ts";
import {
  corruptBytes,
  corruptionVariants,
  type CorruptionVariant,
  type SpoiledVariant,
} from "./corrupt-bytes.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import {
  clearNames,
  fateOf,
  hashOf,
  placeFile,
  placementSchema,
  statOf,
  takeBack,
  writeLike,
  type Placement,
} from "./placed-file.ts";

export interface ConfigCorruptionOptions {
  /** Name of a config file of the stack. */
  readonly file: string;
  readonly variant: CorruptionVariant;
}

const spoiledSchema = z.object({
  path: z.string(),
  corruptHash: z.string(),
  /** The good bytes. */
  copy: z.string(),
  /** Second name of the inode that is written. */
  held: z.string(),
  /** Modification time before the write, nanoseconds. */
  beforeNs: z.string(),
  /** The same after the write; absent until it is done. */
  writtenNs: z.string().optional(),
});
type Spoiled = z.infer<typeof spoiledSchema>;
/** Without the mark of the write: what is remembered before it. */
type Intent = Omit<Spoiled, "writtenNs">;
const memorySchema = z.union([spoiledSchema, placementSchema]);

export const configCorruption = defineFault<ConfigCorruptionOptions>({
  name: "config-corruption",
  summary:
    "A configuration file goes bad on disk: truncated, malformed, half written, with a wrong checksum, or unreadable.",
  needs: ["config-file"],
  kind: "momentary",
  options: z.strictObject({ file: z.string().min(1), variant: z.enum(corruptionVariants) }),
  target: ({ file }) => `config:${file}`,
  expect: () => calm,

  async inject(ctx, { file, variant }) {
    const path = ctx.stack.configFile(file);
    if (variant === "unreadable") await makeUnreadable(ctx, path);
    else await spoil(ctx, path, variant);
  },

  async confirm(ctx, { file }) {
    const memory = recallMemory(ctx);
    if (memory?.path !== ctx.stack.configFile(file))
      return { effective: false, saw: `nothing was done to config file ${file}` };
    if ("good" in memory) return wasUnreadable(memory, file);
    if ((await hashOf(memory.path)) === memory.corruptHash)
      return { effective: true, saw: `config file ${file} holds the corrupt bytes` };
    return wasCorrupt(memory, file);
  },

  /** Restores the good file only while it still is as the fault left it: whatever else is there, somebody else wrote. */
  async heal(ctx, { file }) {
    const memory = recallMemory(ctx);
    if (memory !== undefined && "good" in memory) await takeBack(memory);
    if (memory !== undefined && "copy" in memory && (await hashOf(memory.path)) === memory.corruptHash)
      await restore(memory, ctx.id);
    const { copy, held } = namesFor(ctx);
    await Promise.all([copy, held].map((name) => rm(name, { force: true })));
    await clearNames(ctx, ctx.stack.configFile(file));
  },
});

function recallMemory(ctx: FaultContext): Spoiled | Placement | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}

function namesFor(ctx: FaultContext): { copy: string; held: string } {
  return {
    copy: join(ctx.stack.scratchDir, `${ctx.id}.copy`),
    held: join(ctx.stack.scratchDir, `${ctx.id}.held`),
  };
}

async function spoil(ctx: FaultContext, path: string, variant: SpoiledVariant): Promise<void> {
  const { copy, held } = namesFor(ctx);
  await rm(held, { force: true });
  await link(path, held);
  // By its own name: whoever watches the folder is told of a write under that name only.
  const handle = await open(path, "r+");
  try {
    const before = await handle.stat({ bigint: true });
    if ((await statOf(held))?.ino !== before.ino)
      throw environmentError("config-changed", `${path} was replaced by somebody else just now`);
    const original = await handle.readFile();
    const bad = corruptBytes(original, variant);
    await rm(copy, { force: true });
    await writeLike(copy, original, before);
    const intent: Intent = { path, corruptHash: sha256(bad), copy, held, beforeNs: String(before.mtimeNs) };
    await ctx.remember(intent);
    // One call each: shorter by truncation, otherwise of the same length.
    await (bad.length < original.length ? handle.truncate(bad.length) : handle.write(bad, 0, bad.length, 0));
    await handle.sync();
    await ctx.remember({ ...intent, writtenNs: String((await handle.stat({ bigint: true })).mtimeNs) });
  } finally {
    await handle.close();
  }
}

async function makeUnreadable(ctx: FaultContext, path: string): Promise<void> {
  await placeFile(ctx, {
    path,
    make: async (aside) => {
      await symlink(basename(path), aside);
      return null;
    },
    remember: (placement) => ctx.remember(placement),
  });
}

async function wasUnreadable(memory: Placement, file: string): Promise<Confirmation> {
  const fate = await fateOf(memory);
  if (fate.state === "replaced") {
    const saw = `config file ${file} could not be read, and was replaced ${fate.afterMs.toFixed(0)} ms later`;
    return { effective: true, saw };
  }
  if (fate.state !== "in-place")
    return { effective: false, saw: `config file ${file} never became unreadable` };
  try {
    await readFile(memory.path);
    return { effective: false, saw: `config file ${file} can be read` };
  } catch (error) {
    if (!hasErrno(error, "ELOOP")) throw error;
    return { effective: true, saw: `reading config file ${file} fails with ELOOP` };
  }
}

/**
 * The file is no longer corrupt: was it, in its place? Its inode is still held.
 * - Another inode stands there now (a rename, the usual repair). Unlinking or renaming an inode sets its change time, writing sets both
 *   times: changed later than modified means that the corrupt inode was in its place until after the write. Equal times mean that it had
 *   been replaced before, and nobody ever saw the corruption.
 * - The same inode, other bytes: written in place since, provided that the corrupt write itself had left its mark.
 */
async function wasCorrupt(memory: Spoiled, file: string): Promise<Confirmation> {
  const never = { effective: false, saw: `config file ${file} never held the corrupt bytes` };
  const held = await statOf(memory.held);
  if (held === undefined)
    return { effective: false, saw: `no trace is left of what was done to config file ${file}` };
  const current = await statOf(memory.path);
  if (current?.ino !== held.ino) {
    if ((await hashOf(memory.held)) !== memory.corruptHash || held.ctimeNs <= held.mtimeNs) return never;
    const afterMs = Number(held.ctimeNs - held.mtimeNs) / 1e6;
    return {
      effective: true,
      saw: `config file ${file} held the corrupt bytes, and was replaced ${afterMs.toFixed(0)} ms later`,
    };
  }
  const written = memory.writtenNs === undefined ? undefined : BigInt(memory.writtenNs);
  if (written === undefined || written <= BigInt(memory.beforeNs) || held.mtimeNs <= written) return never;
  return { effective: true, saw: `config file ${file} held the corrupt bytes, and was written again since` };
}

/** By rename, so that no reader sees half of it. */
async function restore(memory: Spoiled, id: string): Promise<void> {
  const fresh = `${memory.path}.${id}.tmp`;
  const like = await statOf(memory.copy);
  if (like === undefined) throw new Error(`the good bytes are gone: ${memory.copy}`);
  await rm(fresh, { force: true });
  await writeLike(fresh, await readFile(memory.copy), like);
  // Looked at once more as late as possible: the copying took time in which the stack may have repaired the file itself.
  if ((await hashOf(memory.path)) === memory.corruptHash) await rename(fresh, memory.path);
  await rm(fresh, { force: true });
}
