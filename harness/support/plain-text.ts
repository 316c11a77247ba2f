// Text of a run (a log line, an error of somebody's program, a name in a file) must not steer a terminal or break a report: control
// characters are neutralised here and nowhere else. Each stretch of them becomes one space; a line end stays a line end.

/** Keeps line ends; every other control character (ESC, NUL, carriage return, tab, C1) is gone. */
export function plainText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(/[^\P{Cc}\n]+/gu, " ");
}

/** The same on one line. */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, " ");
}

/** Every text in a value of plain data; keys are the program's own. */
export function plainTextDeep<T>(value: T): T {
  if (typeof value === "string") return plainText(value) as T;
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) {
    // Series hold thousands of numbers and no text.
    const numbers = value.every((item) => item === null || typeof item === "number");
    return (numbers ? value : value.map((item: unknown) => plainTextDeep(item))) as T;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainTextDeep(item)])) as T;
}
