// What of this process's environment is handed on to the processes of a run.

const inherited = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER"];

/** PATH, HOME and the like of the caller, and nothing that could carry a secret or change a program's behaviour. */
export function baseEnvironment(): Record<string, string> {
  const pairs = inherited.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined));
}
