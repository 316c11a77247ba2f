// Collects everything that makes a plan impossible, so that a user sees all of it at once.
import { issueLines, type Issue } from "../scenario/fields.ts";
import { usageError, type KilnError } from "../support/errors.ts";

export interface Problem extends Issue {
  /** Stable, such as `plan-unknown-fault`. */
  readonly code: string;
  readonly hint?: string;
}

export class Problems {
  readonly #found: Problem[] = [];

  add(code: string, key: string, message: string, hint?: string): void {
    const problem: Problem = { code, key, message, ...(hint === undefined ? {} : { hint }) };
    if (!this.#found.some((known) => known.key === key && known.message === message))
      this.#found.push(problem);
  }

  addAll(others: Problems): void {
    for (const { code, key, message, hint } of others.#found) this.add(code, key, message, hint);
  }

  get any(): boolean {
    return this.#found.length > 0;
  }

  /** One usage error with a line for each problem; its code is that of the first. */
  toError(file: string): KilnError {
    const hints = [...new Set(this.#found.flatMap(({ hint }) => hint ?? []))];
    return usageError(this.#found[0]?.code ?? "plan-refused", issueLines(file, this.#found), {
      hint:
        hints.length > 0
          ? hints.join(" ")
          : `Correct ${file}, then look at the plan again with \`kiln plan\`.`,
    });
  }
}
