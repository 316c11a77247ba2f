// Memory leaks on the main thread's heap (main-leak.mjs). control: [stop, leaked chunks].
const chunkBytes = 65_536;
const releasePatienceMs = 1_000;

export const leak = {
  check({ bytesPerMin }) {
    if (!(bytesPerMin > 0 && Number.isFinite(bytesPerMin)))
      throw new Error("bytesPerMin must be a positive number");
  },

  async begin({ id, params, control }, { mustAskMain }) {
    await mustAskMain({ command: "leak", id, bytesPerMin: params.bytesPerMin, control });
  },

  /** The flag alone ends the leak; the memory goes when the main thread runs again. */
  async end({ id }, { askMain }) {
    const answer = await askMain({ command: "release", id }, releasePatienceMs);
    return answer !== undefined && answer.error === undefined;
  },

  describe: ({ control }) => ({ leakedBytes: Atomics.load(control, 1) * chunkBytes }),
};
