// Sizes as people write them ("20MiB", "512KiB") and as the engine keeps them (bytes). Binary units only: "MB" is refused because half
// its readers take it for 1,000,000 and half for 1,048,576.

const unitBytes = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const;
type Unit = keyof typeof unitBytes;

/** A size in scenario files: a text such as "20MiB", "1.5GiB", "512KiB", "100B". */
export type Size = string;

const pattern = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/;

/** Whole bytes of a text such as "20MiB", or undefined where it is not a size. */
export function parseBytes(text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const bytes = Math.round(Number(match[1]) * unitBytes[match[2] as Unit]);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The largest unit that leaves at least one whole, with at most two decimals: 20_971_520 is "20MiB", 1_500 is "1.46KiB". */
export function formatBytes(bytes: number): string {
  if (bytes < 0) return `-${formatBytes(-bytes)}`;
  const unit = (["GiB", "MiB", "KiB"] as const).find((candidate) => bytes >= unitBytes[candidate]) ?? "B";
  return `${Math.round((bytes / unitBytes[unit]) * 100) / 100}${unit}`;
}
