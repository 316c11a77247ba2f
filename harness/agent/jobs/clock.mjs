// The program's Date is ahead or behind (shifted-date.mjs).
const furthestMs = 10 * 24 * 3_600_000;

export const clock = {
  /** There is one clock. */
  single: true,

  check({ byMs }) {
    if (!Number.isInteger(byMs) || byMs === 0 || Math.abs(byMs) > furthestMs)
      throw new Error(`byMs must be a whole number, not 0, of at most ${furthestMs} either way`);
  },

  begin({ params }, { shift }) {
    Atomics.store(shift, 0, params.byMs);
  },

  end(_job, { shift }) {
    Atomics.store(shift, 0, 0);
    return true;
  },

  describe: ({ params }) => ({ byMs: params.byMs }),
};
