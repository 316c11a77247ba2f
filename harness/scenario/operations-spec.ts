// What a user writes about a stack's own operations, as plain data: the commands that a drill runs, and how it is seen from outside what came
// of them. Nothing here runs anything.
//
// In commands and `env` the placeholders of stack-spec.ts are replaced, but for two: {dir} is here a folder that all operations of the stack
// share (in the run folder), and there is no {volume}. Besides, each drill hands its own over:
//   {key} {value}    config-update: what is changed, and the new value as JSON
//   {was}            what was so before the drill: the version in force (config-update), the slot that answered (blue-green, graceful-restart)
//   {acknowledged}   backup-restore: path of a file with what was acknowledged, see AcknowledgedWrite
import type { Json } from "../support/json.ts";

/** A command, bounded in time. Exit code 0: done. */
export interface TimedCommand {
  /** argv; "node" as the first word means the Node that runs Kiln. */
  readonly command: readonly string[];
  /** It has ended by then, milliseconds, or is ended: SIGTERM, after 5 s SIGKILL. */
  readonly withinMs: number;
}

/** Both commands may be run twice in a row, and after a first one that was cut off at any point. */
interface Operation {
  readonly do: TimedCommand;
  /** Puts things back as they were before. */
  readonly undo: TimedCommand;
  readonly env?: Readonly<Record<string, string>>;
}

/** A value is changed through the stack's own configuration manager; undone by putting version {was} in force again. */
export interface ConfigOperation extends Operation {
  /** One of the stack's `configFiles`: its `readPath` shows what is in force. */
  readonly file: string;
}

/** A request that writes something of its own, and what a backup must then hold. {id} in its texts is no other write's. */
export interface AcknowledgedWrite {
  readonly method: "POST" | "PUT";
  /** Sent over the load's way in; 2xx: acknowledged. */
  readonly path: string;
  readonly body: Json;
  /** A line of the file {acknowledged}, one JSON value for each write that was acknowledged. */
  readonly record: Json;
}

/** `do` makes a backup; `undo` removes what a check that was cut off has left. */
export interface BackupOperation extends Operation {
  /**
   * Restores the newest backup into a place where it disturbs nobody, and looks for what was acknowledged. Exit code 0: all of it is
   * there. 1: it is not. Anything else: it could not be told.
   */
  readonly check: TimedCommand;
  readonly write: AcknowledgedWrite;
}

/** Several copies of a service, of which one answers. `undo` sends the requests to slot {was} again. */
export interface SlotOperation extends Operation {
  /** Name of a slot -> the service that is the copy there. */
  readonly slots: Readonly<Record<string, string>>;
  /** GET over the load's way in answers a JSON object with `slot`: the name of the one that has the requests. */
  readonly answersPath: string;
}

/** What the stack's operators can do, by the drill that tries it. */
export interface OperationsSpec {
  readonly "config-update"?: ConfigOperation;
  readonly "backup-restore"?: BackupOperation;
  readonly "blue-green"?: SlotOperation;
  readonly "graceful-restart"?: SlotOperation;
}

export const operationNames = ["config-update", "backup-restore", "blue-green", "graceful-restart"] as const;

/** The slots of an operation that has such, by name. */
export function slotsOf(
  operations: OperationsSpec | undefined,
  name: string,
): Readonly<Record<string, string>> {
  if (name === "blue-green" || name === "graceful-restart") return operations?.[name]?.slots ?? {};
  return {};
}
