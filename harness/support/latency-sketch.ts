// A mergeable histogram of durations: log-linear buckets over whole microseconds, so that any window of a run can be put together from
// its seconds without loss. Method: HdrHistogram's bucket layout with 2^7 sub-buckets (relative error of a bucket's middle <= 0.4 %).

const subBucketBits = 7;
const subBuckets = 1 << subBucketBits;
/** Longest duration that is kept apart, 2^36 us = 19 h; longer ones count as that. */
const largestUs = 2 ** 36 - 1;

function bucketOf(us: number): number {
  if (us < subBuckets * 2) return us;
  const exponent = Math.floor(Math.log2(us)) - subBucketBits;
  return exponent * subBuckets + Math.floor(us / 2 ** exponent);
}

/** Middle of a bucket, in microseconds. */
function middleOf(bucket: number): number {
  if (bucket < subBuckets * 2) return bucket;
  const exponent = Math.floor(bucket / subBuckets) - 1;
  const low = (bucket - exponent * subBuckets) * 2 ** exponent;
  return low + (2 ** exponent - 1) / 2;
}

export class LatencySketch {
  /** bucket -> count; sparse, because one second holds some hundred values at most. */
  readonly #counts = new Map<number, number>();
  #count = 0;
  #maxUs = 0;
  #sumUs = 0;

  get count(): number {
    return this.#count;
  }

  /** Exact to a microsecond. */
  get maxMs(): number {
    return this.#maxUs / 1_000;
  }

  /** Exact mean to a microsecond, NaN when empty. */
  get meanMs(): number {
    return this.#sumUs / this.#count / 1_000;
  }

  /** Adds a duration in milliseconds; negative ones (clock noise) count as 0. */
  record(ms: number): void {
    const us = Math.min(largestUs, Math.max(0, Math.round(ms * 1_000)));
    this.#add(bucketOf(us), 1);
    this.#sumUs += us;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  merge(other: LatencySketch): void {
    for (const [bucket, count] of other.#counts) this.#add(bucket, count);
    this.#sumUs += other.#sumUs;
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs);
  }

  /** Value in milliseconds below which the share q (0..1) lies, nearest rank; NaN when empty. */
  quantile(q: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (const [bucket, count] of [...this.#counts].toSorted(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= rank) return Math.min(middleOf(bucket), this.#maxUs) / 1_000;
    }
    return this.maxMs;
  }

  /** Compact bytes: varints of version, max, sum, then (bucket step, count) pairs in rising order. */
  encode(): Uint8Array {
    const out: number[] = [];
    pushVarint(out, 1);
    pushVarint(out, this.#maxUs);
    pushVarint(out, this.#sumUs);
    let previous = 0;
    for (const [bucket, count] of [...this.#counts].toSorted(([a], [b]) => a - b)) {
      pushVarint(out, bucket - previous);
      pushVarint(out, count);
      previous = bucket;
    }
    return Uint8Array.from(out);
  }

  /** Inverse of encode. Throws RangeError on bytes that are not a sketch. */
  static decode(bytes: Uint8Array): LatencySketch {
    const sketch = new LatencySketch();
    const read = varintReader(bytes);
    const version = read();
    if (version !== 1) throw new RangeError(`latency sketch: unknown version ${version}`);
    sketch.#maxUs = read() ?? 0;
    sketch.#sumUs = read() ?? 0;
    let bucket = 0;
    for (let step = read(); step !== undefined; step = read()) {
      const count = read();
      if (count === undefined) throw new RangeError("latency sketch: cut short");
      bucket += step;
      sketch.#add(bucket, count);
    }
    return sketch;
  }

  #add(bucket: number, count: number): void {
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
    this.#count += count;
  }
}

// Sums may pass 2^32, so this divides instead of shifting.
function pushVarint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}

function varintReader(bytes: Uint8Array): () => number | undefined {
  let at = 0;
  return () => {
    if (at >= bytes.length) return undefined;
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("latency sketch: cut short");
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
}
