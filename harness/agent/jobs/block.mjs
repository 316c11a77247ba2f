// The main thread waits (main-thread.mjs) until this thread raises the flag: nothing of the service's own runs meanwhile, and it uses no CPU.
const awakePatienceMs = 1_000;

export const block = {
  /** A second one could not be told to a thread that waits. */
  single: true,

  check() {},

  async begin({ params, control }, { mustAskMain }) {
    await mustAskMain({ command: "block", control, forMs: params.forMs });
  },

  /** The flag alone ends it; true when the main thread is seen to run again. */
  async end(_job, { askMain }) {
    return (await askMain({ command: "awake" }, awakePatienceMs)) !== undefined;
  },

  describe: () => ({}),
};
