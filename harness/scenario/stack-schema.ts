// Schema of a stack as a user describes it (stack-spec.ts), with the checks between its parts: every name that is used is declared, no
// name is declared twice, and the load has exactly one way in.
import { z } from "zod";
import { expected, label, show, strict, text, urlPath, wholeNumber } from "./fields.ts";
import { operationsSchema, operationTexts } from "./operations-schema.ts";
import { parseBytes } from "../support/bytes.ts";
import { didYouMean } from "./nearest.ts";

const [leastVolume, mostVolume] = ["1MiB", "1GiB"].map((size) => parseBytes(size) ?? 0) as [number, number];
const volumeSize = expected(`a size from "1MiB" to "1GiB", such as "64MiB"`);
const volume = strict({
  size: z.string(volumeSize).refine((size) => {
    const bytes = parseBytes(size) ?? 0;
    return bytes >= leastVolume && bytes <= mostVolume;
  }, volumeSize),
});

const program = strict({
  kind: z.literal("program"),
  name: label,
  command: z.array(text, expected("a list of words (argv)")).min(1, expected("at least the program")),
  env: z.record(z.string(), z.string(expected("text")), expected("an object of texts")).optional(),
  readyPath: urlPath,
  startedBy: label.optional(),
  standby: z.boolean(expected("true or false")).optional(),
  agentMain: text.optional(),
  controlPath: urlPath.optional(),
  controlProbe: strict({
    method: z.enum(["GET", "POST"], expected(`"GET" or "POST"`)),
    path: urlPath,
    body: z.json().optional(),
  }).optional(),
  metricsPath: urlPath.optional(),
  volume: volume.optional(),
});
const postgres = strict({
  kind: z.literal("postgres"),
  name: label,
  user: label,
  database: label,
  volume: volume.optional(),
});
const redis = strict({
  kind: z.literal("redis"),
  name: label,
  maxMemory: z
    .string(expected(`a size such as "256mb"`))
    .regex(/^\d+(?:kb|mb|gb)$/, expected(`a size such as "256mb"`))
    .optional(),
  volume: volume.optional(),
});
const service = z.discriminatedUnion("kind", [program, postgres, redis], {
  error: (issue) =>
    issue.code === "invalid_union" && typeof issue.input === "object" && issue.input !== null
      ? `expected "program", "postgres" or "redis", got ${show("kind" in issue.input ? issue.input.kind : undefined)}`
      : `expected an object, got ${show(issue.input)}`,
});
const milliseconds = wholeNumber("a whole number of milliseconds above zero");

const stackShape = strict({
  name: label,
  driver: z.literal("processes", expected(`"processes" (the only driver so far)`)),
  services: z.array(service, expected("a list of services")).min(1, expected("at least one service")),
  links: z.array(
    strict({
      name: label,
      from: label,
      to: label,
      essential: z.boolean(expected("true or false")).optional(),
    }),
    expected("a list of links"),
  ),
  watchdog: strict({
    service: label,
    supervises: label,
    eventsFile: text,
    unresponsiveMs: milliseconds,
    processGoneMs: milliseconds,
    backoffCapMs: milliseconds,
    resetMs: milliseconds.optional(),
  }).optional(),
  configFiles: z
    .array(
      strict({ name: label, service: label, file: text, lockFile: text.optional(), readPath: urlPath }),
      expected("a list of config files"),
    )
    .optional(),
  operations: operationsSchema.optional(),
});
type StackShape = z.output<typeof stackShape>;
type Complain = (path: PropertyKey[], message: string) => void;

export const stackSchema = stackShape.superRefine((stack, context) => {
  const complain: Complain = (path, message) =>
    context.addIssue({ code: "custom", path, message, input: stack });
  checkNames(stack, complain);
  checkReferences(stack, complain);
  checkPlaceholders(stack, complain);
});

function checkNames(stack: StackShape, complain: Complain): void {
  for (const list of ["services", "links", "configFiles"] as const) {
    const seen = new Set<string>();
    for (const [index, { name }] of (stack[list] ?? []).entries()) {
      if (seen.has(name))
        complain([list, index, "name"], `"${name}" is declared twice; expected a name of its own`);
      seen.add(name);
      if (list === "services" && name === "load")
        complain([list, index, "name"], `"load" is the load generator; expected another name`);
    }
  }
}

function checkReferences(stack: StackShape, complain: Complain): void {
  const names = stack.services.map(({ name }) => name);
  const need = (name: string, path: PropertyKey[], alsoKnown: readonly string[] = []): void => {
    const known = [...alsoKnown, ...names];
    if (!known.includes(name))
      complain(
        path,
        `no service is called "${name}" (there are ${known.join(", ")})${didYouMean(name, known)}`,
      );
  };
  for (const [index, link] of stack.links.entries()) {
    need(link.from, ["links", index, "from"], ["load"]);
    need(link.to, ["links", index, "to"]);
  }
  const entries = stack.links.flatMap(({ from }, index) => (from === "load" ? [index] : []));
  if (entries.length === 0)
    complain(["links"], `no link has from: "load"; expected exactly one, through which the load enters`);
  for (const index of entries.slice(1)) {
    complain(
      ["links", index, "from"],
      `a second link from "load"; expected exactly one, through which the load enters`,
    );
  }
  for (const [index, { name, ...rest }] of stack.services.entries()) {
    if (rest.kind !== "program") continue;
    if (rest.standby === true && rest.startedBy === undefined)
      complain(
        ["services", index, "standby"],
        "expected startedBy beside it: Kiln starts no service at times",
      );
    if (rest.startedBy === undefined) continue;
    need(rest.startedBy, ["services", index, "startedBy"]);
    if (rest.startedBy === name) complain(["services", index, "startedBy"], `"${name}" cannot start itself`);
  }
  for (const [index, file] of (stack.configFiles ?? []).entries())
    need(file.service, ["configFiles", index, "service"]);
  checkOperations(stack, need, complain);
  if (stack.watchdog === undefined) return;
  need(stack.watchdog.service, ["watchdog", "service"]);
  need(stack.watchdog.supervises, ["watchdog", "supervises"]);
}

function checkOperations(
  { operations = {}, configFiles = [] }: StackShape,
  need: (name: string, path: PropertyKey[]) => void,
  complain: Complain,
): void {
  const file = operations["config-update"]?.file;
  const files = configFiles.map(({ name }) => name);
  if (file !== undefined && !files.includes(file)) {
    const known = files.length === 0 ? "it has none" : `there are ${files.join(", ")}`;
    const message = `the stack has no config file "${file}" (${known})${didYouMean(file, files)}`;
    complain(["operations", "config-update", "file"], message);
  }
  for (const name of ["blue-green", "graceful-restart"] as const)
    for (const [slot, service] of Object.entries(operations[name]?.slots ?? {}))
      need(service, ["operations", name, "slots", slot]);
}

/** `{port:gatewy}` would otherwise be found out only when the stack comes up. */
function checkPlaceholders(stack: StackShape, complain: Complain): void {
  const services = stack.services.map(({ name }) => name);
  const known: Record<string, readonly string[]> = {
    port: services,
    dir: services,
    log: services,
    link: stack.links.map(({ name }) => name),
    config: (stack.configFiles ?? []).map(({ name }) => name),
    start: stack.services.flatMap(({ kind, name }) => (kind === "program" ? [] : [name])),
  };
  const check = (value: string, path: PropertyKey[]): void => {
    for (const [whole, kind = "", name = ""] of value.matchAll(
      /\{(port|dir|log|link|config|start):([^{}]*)\}/g,
    )) {
      const names = known[kind] ?? [];
      if (!names.includes(name))
        complain(
          path,
          `${whole} names nothing in this stack (there are ${names.join(", ")})${didYouMean(name, names)}`,
        );
    }
  };
  for (const { path, text: words } of operationTexts(stack.operations ?? {})) {
    check(words, ["operations", ...path]);
    if (words.includes("{volume}"))
      complain(["operations", ...path], "{volume} names nothing: operations have none");
  }
  for (const [index, item] of stack.services.entries()) {
    if (item.kind !== "program") continue;
    const checkOne = (value: string, path: PropertyKey[]): void => {
      check(value, path);
      if (item.volume === undefined && value.includes("{volume}"))
        complain(path, `{volume} names nothing: "${item.name}" has no volume`);
    };
    for (const [position, word] of item.command.entries())
      checkOne(word, ["services", index, "command", position]);
    for (const [key, value] of Object.entries(item.env ?? {}))
      checkOne(value, ["services", index, "env", key]);
  }
}
