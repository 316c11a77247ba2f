// The load of bench/schedule-fidelity: one GET an iteration, which names its segment and iteration so that the stamp server's arrivals
// can be held against the grid. The same script and environment for bare k6 and for k6 under Kiln. The seed is the stamp server's port
// (load-shape.ts says why).
import http from "k6/http";
import { iteration, kilnOptions, measured, seed, segment, timeoutMs } from "../scenarios/load/kiln.ts";

export const options = kilnOptions();

export default function load(): void {
  const url = `http://127.0.0.1:${seed}/${segment}/${iteration()}`;
  measured("stamp", "high", true, () => {
    const answer = http.get(url, { timeout: timeoutMs });
    return answer.status === 200 ? "ok" : "failed";
  });
}
