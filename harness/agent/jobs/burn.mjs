// A thread of its own burns a share of one core (burn-worker.mjs).
import { Worker } from "node:worker_threads";

export const burn = {
  check({ share }) {
    if (!(share > 0 && share <= 1)) throw new Error("share must be above 0 and at most 1");
  },

  begin(job) {
    const { control, params, leave } = job;
    job.worker = new Worker(new URL("../burn-worker.mjs", import.meta.url), {
      workerData: { control, share: params.share, forMs: params.forMs },
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    return new Promise((resolve, reject) => {
      job.worker.once("message", (tid) => {
        job.tid = tid;
        resolve({ tid });
      });
      job.worker.on("error", reject);
      job.worker.once("exit", () => {
        reject(new Error("the burning thread ended at once"));
        leave();
      });
    });
  },

  /** It leaves its loop within a slice; terminate is for one that does not. */
  async end({ worker }) {
    await worker?.terminate();
    return true;
  },

  describe: ({ params, tid }) => ({ share: params.share, tid: tid ?? 0 }),
};
