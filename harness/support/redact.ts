// Keeps secrets out of everything that Kiln writes: values of environment variables that look secret, passwords in URLs, bearer tokens.
// It works on finished text, so that no writer has to remember it.

const placeholder = "[redacted]";
const secretName = /(?:secret|token|passw(?:or)?d|api_?key|credential|private_?key|auth)/i;
// Shorter values would blank out ordinary words.
const shortestSecret = 8;

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"]+):[^\s@/"]+@/gi, `$1:${placeholder}@`],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${placeholder}`],
];

const registered = new Set<string>();

/** Adds a value that must never be written, such as a generated token. Values of fewer than 8 characters are ignored. */
export function registerSecret(value: string): void {
  if (value.length >= shortestSecret) registered.add(value);
}

/** Registers the values of all environment variables whose names look secret. */
export function registerSecretsOf(environment: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && secretName.test(name)) registerSecret(value);
  }
}

/** The text without secrets. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of registered) clean = clean.replaceAll(secret, placeholder);
  for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
  return clean;
}
