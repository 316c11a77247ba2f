// Questions of the agent's worker thread to the service's main thread, which may be busy or blocked.
import { parentPort } from "node:worker_threads";

/** How long the main thread may take for an answer before the caller hears that it is busy. */
const patienceMs = 5_000;

const waiting = new Map();
let lastCall = 0;

parentPort.on("message", (message) => {
  waiting.get(message.reply)?.(message);
  waiting.delete(message.reply);
});

/** Asks the main thread; undefined when it did not answer in time. */
export function askMain(message, limitMs) {
  const call = ++lastCall;
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      waiting.delete(call);
      resolve(undefined);
    }, limitMs);
    waiting.set(call, (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    parentPort.postMessage({ call, ...message });
  });
}

/** Rejects when the main thread did not answer in time, or could not do it. */
export async function mustAskMain(message) {
  const answer = await askMain(message, patienceMs);
  if (answer === undefined)
    throw new Error(`the service's main thread did not answer within ${patienceMs} ms`);
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}
