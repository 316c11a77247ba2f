// Preloaded into a Node service by NODE_OPTIONS="--import <this file>", so that faults can be set inside it. Plain JavaScript: the service
// may run on Node 20. It does nothing except in the main thread of the program that KILN_AGENT_MAIN names (by the end of its path): every
// child and every worker thread inherits NODE_OPTIONS. There it loads the agent's two halves: main-thread.mjs, for what only the service's
// own thread can do, and agent-worker.mjs, a worker thread that holds the socket, the token and the deadlines, and answers also while the
// main thread is blocked.
//
// Limits: the agent must not print, not keep the process alive, not change how it ends, and not fail the service with its own errors.
import { isMainThread } from "node:worker_threads";

if (isMainThread && isAgentMain()) {
  const settings = takeSettings();
  if (settings.socket !== "" && settings.token !== "") {
    const { startAgent } = await import("./main-thread.mjs");
    startAgent(settings);
  }
}

function isAgentMain() {
  const wanted = process.env["KILN_AGENT_MAIN"];
  return wanted !== undefined && wanted !== "" && (process.argv[1] ?? "").endsWith(wanted);
}

/** Reads the settings and takes them out of the environment, so that children of the service neither load the agent nor see its token. */
function takeSettings() {
  const settings = {
    socket: process.env["KILN_AGENT_SOCKET"] ?? "",
    token: process.env["KILN_AGENT_TOKEN"] ?? "",
  };
  for (const name of Object.keys(process.env)) if (name.startsWith("KILN_AGENT_")) delete process.env[name];
  const rest = (process.env["NODE_OPTIONS"] ?? "")
    .replace(/--import(?:=|\s+)(?:"[^"]*preload\.mjs"|\S*preload\.mjs)/g, "")
    .trim();
  if (rest === "") delete process.env["NODE_OPTIONS"];
  else process.env["NODE_OPTIONS"] = rest;
  return settings;
}
