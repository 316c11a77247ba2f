// What a k6 script and Kiln agree on. The script is plain k6 TypeScript; scenarios/load/kiln.ts offers it these names ready-made.
//
// Kiln passes by environment: KILN_TARGET (base URL), KILN_SEED, KILN_SEGMENT, KILN_RPS, KILN_DURATION_MS, KILN_USERS, KILN_TIMEOUT_MS,
// KILN_FIRST_ITERATION (0, or more where this k6 goes on with a segment: the number that its first iteration has in it).
// The script runs one constant-arrival-rate scenario named "load", one request an iteration, KILN_DURATION_MS long and a little more
// (50 ms: what k6 starts after the last planned start is ignored; without it, a busy machine may lose the last one). Each iteration adds
//   Counter `kiln_start` 1      at its very start (its time stamp is the actual start), and
//   Trend   `kiln_request` ms   once the answer was judged, with the tags route, priority, essential (1 or 0), outcome.
// The iteration's number in the segment travels as metadata `i` on both (metadata, not tags: k6 keeps every tag set in memory).

export const loadMetric = {
  start: "kiln_start",
  request: "kiln_request",
  dropped: "dropped_iterations",
} as const;

export const loadEnvironment = {
  target: "KILN_TARGET",
  seed: "KILN_SEED",
  segment: "KILN_SEGMENT",
  rps: "KILN_RPS",
  durationMs: "KILN_DURATION_MS",
  users: "KILN_USERS",
  timeoutMs: "KILN_TIMEOUT_MS",
  firstIteration: "KILN_FIRST_ITERATION",
} as const;
