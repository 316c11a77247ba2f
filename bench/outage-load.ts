// The load of bench/outage-error: one GET an iteration, through the proxy, as in a real run.
import http from "k6/http";
import { kilnOptions, measured, target, timeoutMs } from "../scenarios/load/kiln.ts";

export const options = kilnOptions();

export default function load(): void {
  measured("load", "high", true, () => {
    const answer = http.get(`${target}/load`, { timeout: timeoutMs });
    return answer.status === 200 ? "ok" : "failed";
  });
}
