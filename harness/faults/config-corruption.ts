// A configuration file goes bad on disk, in place, as a crashed writer or a careless hand leaves it. The stack must notice, never serve
// it, and go back to its last good version.
//
// A good stack may repair the file before anybody looks. The proof that it was bad is the kernel's: a second name (hard link) keeps hold
// of the very inode that was written, and its times tell whether it was still in its place then (see `confirm`). So scratchDir must be on
// the same file system as the file.
import { constants } from "node:fs";
import { copyFile, link, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { hasErrno } from "../support/errors.ts";
import { sha256 } from "../support/json.ts";
import { corruptBytes, corruptionVariants, type CorruptionVariant } from "./corrupt-bytes.ts";
import { calm } from "./expectations.ts";
import { defineFault, type FaultContext } from "./fault.ts";

export interface ConfigCorruptionOptions {
  /** Name of a config file of the stack. */
  readonly file: string;
  readonly variant: CorruptionVariant;
}

const memorySchema = z.object({
  path: z.string(),
  originalHash: z.string(),
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
type Memory = z.infer<typeof memorySchema>;
/** Without the mark of the write: what is remembered before it. */
type Intent = Omit<Memory, "writtenNs">;

export const configCorruption = defineFault<ConfigCorruptionOptions>({
  name: "config-corruption",
  summary: "A configuration file goes bad on disk: truncated, malformed or with a wrong checksum.",
  needs: ["config-file"],
  kind: "momentary",
  options: z.strictObject({ file: z.string().min(1), variant: z.enum(corruptionVariants) }),
  target: ({ file }) => `config:${file}`,
  expect: () => calm,

  async inject(ctx, { file, variant }) {
    const path = ctx.stack.configFile(file);
    const held = join(ctx.stack.scratchDir, `${ctx.id}.held`);
    await rm(held, { force: true });
    await link(path, held);
    const handle = await open(held, "r+");
    try {
      const original = await handle.readFile();
      const bad = corruptBytes(original, variant);
      const copy = join(ctx.stack.scratchDir, `${ctx.id}.good`);
      await writeDurably(copy, original);
      const beforeNs = String((await handle.stat({ bigint: true })).mtimeNs);
      const memory: Intent = {
        path,
        originalHash: sha256(original),
        corruptHash: sha256(bad),
        copy,
        held,
        beforeNs,
      };
      await ctx.remember(memory);
      // One call each: shorter by truncation, otherwise of the same length.
      await (bad.length < original.length
        ? handle.truncate(bad.length)
        : handle.write(bad, 0, bad.length, 0));
      await handle.sync();
      await ctx.remember({ ...memory, writtenNs: String((await handle.stat({ bigint: true })).mtimeNs) });
    } finally {
      await handle.close();
    }
  },

  async confirm(ctx, { file }) {
    const memory = recallMemory(ctx);
    if (memory?.path !== ctx.stack.configFile(file))
      return { effective: false, saw: `nothing was done to config file ${file}` };
    if ((await hashOf(memory.path)) === memory.corruptHash)
      return { effective: true, saw: `config file ${file} holds the corrupt bytes` };
    return wasCorrupt(memory, file);
  },

  /** Restores the good bytes only while the file still has the corrupt ones: whatever else is there, somebody else wrote. */
  async heal(ctx) {
    const memory = recallMemory(ctx);
    if (memory === undefined) return;
    if ((await hashOf(memory.path)) === memory.corruptHash) await restore(memory, ctx.id);
    await Promise.all([memory.copy, memory.held].map((name) => rm(name, { force: true })));
  },
});

function recallMemory(ctx: FaultContext): Memory | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}

/**
 * The file is no longer corrupt: was it, in its place? Its inode is still held.
 * - Another inode stands there now (a rename, the usual repair). Unlinking or renaming an inode sets its change time, writing sets both
 *   times: changed later than modified means that the corrupt inode was in its place until after the write. Equal times mean that it had
 *   been replaced before, and nobody ever saw the corruption.
 * - The same inode, other bytes: written in place since, provided that the corrupt write itself had left its mark.
 */
async function wasCorrupt(memory: Memory, file: string): Promise<{ effective: boolean; saw: string }> {
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

async function restore(memory: Memory, id: string): Promise<void> {
  const fresh = `${memory.path}.${id}.tmp`;
  await copyFile(memory.copy, fresh, constants.COPYFILE_FICLONE);
  const handle = await open(fresh, "r+");
  try {
    const { mode } = await stat(memory.held);
    await handle.chmod(mode & 0o777);
    await handle.sync();
  } finally {
    await handle.close();
  }
  // Looked at once more as late as possible: the copying took time in which the stack may have repaired the file itself.
  if ((await hashOf(memory.path)) === memory.corruptHash) await rename(fresh, memory.path);
  await rm(fresh, { force: true });
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const handle = await open(path, "w", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** SHA-256 of the bytes at a path; undefined when there is no file. */
async function hashOf(path: string): Promise<string | undefined> {
  try {
    return sha256(await readFile(path));
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function statOf(path: string): Promise<{ ino: bigint; mtimeNs: bigint; ctimeNs: bigint } | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
