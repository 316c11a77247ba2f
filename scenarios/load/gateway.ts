// The load of the reference system: its routes in the shares of a working day. What is sent is a function of seed, segment and
// iteration, so that a run can be repeated and every write be looked for afterwards by its id.
import http, { type RefinedResponse, type ResponseType } from "k6/http";
import {
  drawn,
  iteration,
  kilnOptions,
  measured,
  seed,
  segment,
  target,
  timeoutMs,
  type Outcome,
  type Priority,
} from "./kiln.ts";

export const options = kilnOptions();

interface Route {
  readonly name: string;
  /** Of 100 requests. */
  readonly share: number;
  readonly priority: Priority;
  /** Counts for availability. */
  readonly essential: boolean;
  readonly exchange: (i: number, priority: Priority) => Outcome;
}

type Answer = RefinedResponse<ResponseType | undefined>;

const seededFrameworks = 200;
/** Registrations are limited to 10 a minute and client: at 175 requests/s each of these comes about once in three minutes. */
const clients = 1_000;

// Purposes of `drawn`.
const forRoute = 1;
const forItem = 2;
const forClient = 3;
const forHash = 4;

/** Ids that this virtual user created (each has a script state of its own), newest last. */
const created: string[] = [];
const rememberedIds = 20;

const routes: readonly Route[] = [
  { name: "read", share: 40, priority: "high", essential: true, exchange: read },
  { name: "list", share: 15, priority: "normal", essential: true, exchange: list },
  { name: "create", share: 25, priority: "high", essential: true, exchange: create },
  { name: "enrich", share: 12, priority: "low", essential: false, exchange: enrich },
  { name: "register", share: 3, priority: "normal", essential: false, exchange: register },
  { name: "health", share: 5, priority: "low", essential: false, exchange: health },
];
/** The route of each hundredth. */
const hundredths = routes.flatMap((route) => Array.from({ length: route.share }, () => route));

export default function load(): void {
  const i = iteration();
  const route = hundredths[drawn(i, forRoute) % hundredths.length];
  if (route === undefined) throw new Error("the shares of the routes do not add up to 100");
  measured(route.name, route.priority, route.essential, () => route.exchange(i, route.priority));
}

/** The id that an iteration creates: the audit finds it again by the same rule. */
function idOf(i: number): string {
  return `k-${seed}-${segment}-${i}`.replace(/[^A-Za-z0-9_-]/g, "_").slice(-64);
}

function titleOf(id: string): string {
  return `Framework ${id}`;
}

function read(i: number, priority: Priority): Outcome {
  const draw = drawn(i, forItem);
  // Every fourth read is of a framework that this user created: a write that was acknowledged must be there.
  const own = draw % 4 === 0 ? created[(draw >>> 2) % Math.max(1, created.length)] : undefined;
  const id = own ?? `base-${String((draw >>> 2) % seededFrameworks).padStart(3, "0")}`;
  const answer = http.get(`${target}/api/v1/frameworks/${id}`, params(priority, { responseType: "text" }));
  // A right status with another framework's body is a wrong answer.
  const right =
    answer.status === 200 && typeof answer.body === "string" && answer.body.includes(`"id":"${id}"`);
  return judged(right, answer);
}

function list(_i: number, priority: Priority): Outcome {
  const answer = http.get(`${target}/api/v1/frameworks?limit=20`, params(priority));
  return judged(answer.status === 200, answer);
}

function create(i: number, priority: Priority): Outcome {
  const id = idOf(i);
  const body = JSON.stringify({
    title: titleOf(id),
    description: `Written by iteration ${i} of segment ${segment}.`,
  });
  const answer = http.put(`${target}/api/v1/frameworks/${id}`, body, params(priority));
  const right = answer.status === 200 || answer.status === 201;
  if (right) {
    created.push(id);
    if (created.length > rememberedIds) created.shift();
  }
  return judged(right, answer);
}

function enrich(i: number, priority: Priority): Outcome {
  const answer = http.post(
    `${target}/api/v1/tools/enrich`,
    JSON.stringify({ text: `sample ${i}` }),
    params(priority),
  );
  return judgedWithShedding(answer.status === 200, answer);
}

function register(i: number, priority: Priority): Outcome {
  const hash = (drawn(i, forHash).toString(16) + drawn(i, forHash + 1).toString(16)).padStart(16, "0");
  const client = `client-${drawn(i, forClient) % clients}`;
  const answer = http.post(
    `${target}/api/v1/register`,
    JSON.stringify({ hash }),
    params(priority, { headers: { "x-client-id": client } }),
  );
  if (answer.status === 429) return "limited";
  return judgedWithShedding(answer.status === 201, answer);
}

function health(_i: number, priority: Priority): Outcome {
  const answer = http.get(`${target}/api/v1/health`, params(priority));
  return judgedWithShedding(answer.status === 200, answer);
}

function params(
  priority: Priority,
  more: { readonly headers?: Record<string, string>; readonly responseType?: ResponseType } = {},
): { headers: Record<string, string>; timeout: number; responseType?: ResponseType } {
  return {
    ...more,
    timeout: timeoutMs,
    headers: { "content-type": "application/json", "x-priority": priority, ...more.headers },
  };
}

/** A right answer that says so when it was served at reduced quality; 503 on an essential route is a failure like any other. */
function judged(right: boolean, answer: Answer): Outcome {
  if (!right) return "failed";
  return answer.headers["X-Degraded"] === undefined ? "ok" : "degraded";
}

/** On routes that may be shed: a 503 counts as shedding only when the answer says that it is meant (header x-shed). */
function judgedWithShedding(right: boolean, answer: Answer): Outcome {
  if (answer.status === 503 && answer.headers["X-Shed"] !== undefined) return "shed";
  return judged(right, answer);
}
