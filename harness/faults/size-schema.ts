// A size among a fault's options: "20MiB" as people write it, bytes once parsed. Parsing bytes again gives the same bytes.
import { z } from "zod";
import { formatBytes, parseBytes } from "../support/bytes.ts";

export function sizeSchema(limits: { readonly least: number; readonly most: number }): z.ZodType<number> {
  const range = `from ${formatBytes(limits.least)} to ${formatBytes(limits.most)}`;
  return z
    .union([z.string(), z.number()], { error: `expected a size such as "20MiB"` })
    .transform((value, ctx) => {
      const bytes = typeof value === "number" ? value : parseBytes(value);
      if (bytes !== undefined && bytes >= limits.least && bytes <= limits.most) return bytes;
      ctx.addIssue({
        code: "custom",
        message:
          bytes === undefined
            ? `expected a size such as "20MiB", not ${JSON.stringify(value)}`
            : `expected a size ${range}`,
      });
      return z.NEVER;
    });
}
