// The load of bench/schedule-fidelity: one GET an iteration, which names its segment and iteration so that the stamp server's arrivals
// can be held against the grid. The same script and environment for bare k6 and for k6 under Kiln.
import http from "k6/http";
import { iteration, kilnOptions, measured, segment, target, timeoutMs } from "../scenarios/load/kiln.ts";

export const options = kilnOptions();

export default function load(): void {
  const url = `${target}/${segment}/${iteration()}`;
  measured("stamp", "high", true, () => {
    const answer = http.get(url, { timeout: timeoutMs });
    return answer.status === 200 ? "ok" : "failed";
  });
}
