// The one error type that people see, and the exit codes of DESIGN ("Exit codes"). A KilnError says what is wrong and how to mend it;
// anything else that reaches cli.ts is a bug in Kiln.

/** Exit codes of every command. 130 follows the shell's convention for SIGINT. */
export const exitCode = {
  pass: 0,
  fail: 1,
  inconclusive: 2,
  usage: 3,
  environment: 4,
  bug: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** usage: the user's input is wrong; environment: the machine, a tool or the stack could not do its part. */
export type KilnErrorKind = "usage" | "environment";

export interface KilnErrorDetails {
  /** What to do about it, as an imperative sentence or a command. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class KilnError extends Error {
  override readonly name = "KilnError";
  readonly kind: KilnErrorKind;
  /** Stable name such as `scenario-unknown`; tests and scripts match on it. */
  readonly code: string;
  readonly hint: string | undefined;

  constructor(kind: KilnErrorKind, code: string, message: string, details: KilnErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.code = code;
    this.hint = details.hint;
  }
}

export function usageError(code: string, message: string, details?: KilnErrorDetails): KilnError {
  return new KilnError("usage", code, message, details);
}

export function environmentError(code: string, message: string, details?: KilnErrorDetails): KilnError {
  return new KilnError("environment", code, message, details);
}

/** The text of anything that was thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True for a failed system call with that code, such as `ENOENT`. */
export function hasErrno(error: unknown, ...codes: readonly string[]): boolean {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code)
  );
}
