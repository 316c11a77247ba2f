// Schema of a stack's operations (operations-spec.ts). What they name elsewhere in the stack is checked by stack-schema.ts.
import { z } from "zod";
import { expected, isObject, label, strict, text, urlPath, wholeNumber } from "./fields.ts";

/** A drill that takes longer than this would be no drill but a part of the run. */
const longestCommandMs = 1_800_000;

const timed = strict({
  command: z.array(text, expected("a list of words (argv)")).min(1, expected("at least the program")),
  withinMs: wholeNumber("a whole number of milliseconds above zero").max(
    longestCommandMs,
    `expected at most ${longestCommandMs} ms (30 min)`,
  ),
});
const shared = {
  do: timed,
  undo: timed,
  env: z.record(z.string(), z.string(expected("text")), expected("an object of texts")).optional(),
};

const write = strict({
  method: z.enum(["POST", "PUT"], expected(`"POST" or "PUT"`)),
  path: urlPath,
  body: z.json(),
  record: z.json(),
}).superRefine(({ path, body, record }, context) => {
  const named = (value: unknown): boolean => JSON.stringify(value).includes("{id}");
  const complain = (key: string, message: string): void =>
    context.addIssue({ code: "custom", path: [key], message, input: path });
  if (!named(path) && !named(body))
    complain("path", "expected {id} here or in the body, or all writes would be one");
  if (!named(record)) complain("record", "expected {id} in it, or the check could not tell one write by it");
});

const slots = z
  .record(label, label, expected(`an object such as { blue: "api", green: "api-2" }`))
  .refine((value) => Object.keys(value).length > 0, "expected at least one slot");
const slotted = strict({ ...shared, slots, answersPath: urlPath });

export const operationsSchema = strict({
  "config-update": strict({ ...shared, file: label }).optional(),
  "backup-restore": strict({ ...shared, check: timed, write }).optional(),
  "blue-green": slotted.optional(),
  "graceful-restart": slotted.optional(),
});
export type OperationsShape = z.output<typeof operationsSchema>;

/** Every text of the operations in which placeholders are replaced, with its key path. */
export function operationTexts(operations: OperationsShape): PlacedText[] {
  return Object.entries(operations).flatMap(([name, operation]): PlacedText[] => {
    if (operation === undefined) return [];
    const commands = Object.entries(operation).flatMap(([key, value]): PlacedText[] =>
      isTimed(value)
        ? value.command.map((word, index) => ({ path: [name, key, "command", index], text: word }))
        : [],
    );
    const env = Object.entries(operation.env ?? {}).map(([key, value]) => ({
      path: [name, "env", key],
      text: value,
    }));
    return [...commands, ...env];
  });
}

interface PlacedText {
  readonly path: readonly PropertyKey[];
  readonly text: string;
}

function isTimed(value: unknown): value is z.output<typeof timed> {
  return isObject(value) && "withinMs" in value;
}
