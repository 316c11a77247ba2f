// "Did you mean": the known name that is nearest to one that was mistyped.

/** The name with the fewest edits to `wanted`, if they are few enough for a slip of the finger; otherwise undefined. */
export function nearestName(wanted: string, known: Iterable<string>): string | undefined {
  const mostEdits = Math.max(2, Math.floor(wanted.length / 3));
  let best: { name: string; edits: number } | undefined;
  for (const name of known) {
    const edits = editDistance(wanted.toLowerCase(), name.toLowerCase());
    if (edits <= mostEdits && edits < name.length && edits < (best?.edits ?? Infinity))
      best = { name, edits };
  }
  return best?.name;
}

/** `; did you mean "x"?` or nothing, to be put behind a message. */
export function didYouMean(wanted: string, known: Iterable<string>): string {
  const nearest = nearestName(wanted, known);
  return nearest === undefined ? "" : `; did you mean "${nearest}"?`;
}

/** Levenshtein distance: insertions, deletions and replacements of one character. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
