// File descriptors leak, at a steady rate. They belong to the process, whichever thread opens them.
import { closeSync, openSync } from "node:fs";
import { atRate, checkRate } from "./at-rate.mjs";

const openTo = "/dev/null";

export const descriptors = {
  check: checkRate,

  begin(job) {
    job.held = [];
    job.ticker = atRate(
      job.params,
      () => job.held.length,
      () => open(job),
    );
  },

  end({ ticker, held }) {
    clearInterval(ticker);
    for (const descriptor of held.splice(0)) close(descriptor);
    return true;
  },

  describe: ({ held, refused }) => ({ open: held.length, ...(refused === undefined ? {} : { refused }) }),
};

/** `refused` tells why there are no more, such as EMFILE: the process has none left. It goes on where the service frees some. */
function open(job) {
  try {
    job.held.push(openSync(openTo, "r"));
    job.refused = undefined;
  } catch (error) {
    job.refused = error.code ?? String(error);
  }
}

function close(descriptor) {
  try {
    closeSync(descriptor);
  } catch (error) {
    // Somebody closed what was not theirs: it is gone, which is what was wanted.
    if (error.code !== "EBADF") throw error;
  }
}
