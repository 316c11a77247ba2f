// The agent's jobs: each has an id, a kind, and a deadline of its own (a dead man's switch: a job ends although nobody asks any more).
//
// A kind is an object of plain functions:
//   check(params)           throws when its parameters are wrong
//   begin(job, context)     puts the harm in; what it returns is added to the caller's answer
//   end(job, context)       takes it out, without the main thread's help where it can; true when all of it is gone now
//   describe(job)           what `status` adds
// `job.control` is an Int32Array of two in shared memory: [0] turns 1 when the job ends, [1] is the kind's own.
import { existsSync } from "node:fs";

const longestJobMs = 24 * 3_600_000;
const lookForPermitMs = 100;

export class JobList {
  #kinds;
  #context;
  #jobs = new Map();
  /** Ids that were stopped, also before they came: a request that arrives behind its own stop must not begin. */
  #over = new Set();

  constructor(kinds, context) {
    this.#kinds = kinds;
    this.#context = context;
  }

  async start(kindName, params) {
    const kind = this.#kinds.get(kindName);
    this.#check(kindName, params);
    kind.check(params);
    const job = {
      id: params.id,
      kind: kindName,
      params,
      control: new Int32Array(new SharedArrayBuffer(8)),
      endsAtMs: performance.now() + params.forMs,
      leave: () => this.#leave(job),
    };
    this.#jobs.set(job.id, job);
    this.#limit(job);
    try {
      return { pid: process.pid, ...(await kind.begin(job, this.#context)) };
    } catch (error) {
      await this.stop(job.id);
      throw error;
    }
  }

  #check(kindName, { id, forMs, pid }) {
    if (typeof id !== "string" || id === "") throw new Error("id must be a text");
    if (!(forMs > 0 && forMs <= longestJobMs)) throw new Error(`forMs must be between 1 and ${longestJobMs}`);
    if (pid !== undefined && pid !== process.pid)
      throw new Error(`this is process ${process.pid}, not ${pid}`);
    if (this.#jobs.has(id)) throw new Error(`job ${id} runs already`);
    if (this.#over.has(id)) throw new Error(`job ${id} was stopped already`);
    if (!this.#kinds.get(kindName).single) return;
    for (const job of this.#jobs.values())
      if (job.kind === kindName) throw new Error(`job ${job.id} does that already`);
  }

  #limit(job) {
    const { permit, forMs } = job.params;
    job.deadline = setTimeout(() => void this.stop(job.id), forMs);
    // A file that its owner can remove takes the place of the socket, which cannot be had while the process is out of descriptors.
    if (permit === undefined) return;
    job.permitLook = setInterval(() => {
      if (!existsSync(permit)) void this.stop(job.id);
    }, lookForPermitMs);
  }

  async stop(id) {
    if (typeof id === "string") this.#over.add(id);
    const job = this.#jobs.get(id);
    if (job === undefined) return { stopped: false, released: true };
    job.ending ??= this.#end(job);
    return { stopped: true, released: await job.ending };
  }

  async #end(job) {
    Atomics.store(job.control, 0, 1);
    Atomics.notify(job.control, 0);
    try {
      return await this.#kinds.get(job.kind).end(job, this.#context);
    } finally {
      this.#leave(job);
    }
  }

  #leave(job) {
    clearTimeout(job.deadline);
    clearInterval(job.permitLook);
    this.#jobs.delete(job.id);
    this.#over.add(job.id);
  }

  status() {
    const now = performance.now();
    const jobs = [...this.#jobs.values()].map((job) => ({
      id: job.id,
      kind: job.kind,
      leftMs: Math.max(0, Math.round(job.endsAtMs - now)),
      ...this.#kinds.get(job.kind).describe(job),
    }));
    return { pid: process.pid, jobs };
  }
}
