// report.html: one file that opens from disk without network. The template is our own and strict; a run's data reaches it only as text,
// and the charts only as JSON in a data block. The content policy names the hash of each script and style, and nothing else may load.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import Handlebars from "handlebars";
import { buildView, type View } from "./html/view.ts";
import type { ChartSeries, ReportModel } from "./model-types.ts";
import type { Renderer } from "./renderer.ts";

const folder = join(import.meta.dirname, "html");
const styles = ["page.css", "tables.css", "charts.css", "media.css"] as const;
const pageScripts = ["format.mjs", "lanes.mjs", "charts.mjs", "page.mjs"] as const;

interface Asset {
  readonly text: string;
  readonly hash: string;
}

interface Assets {
  readonly template: (view: View & PageParts) => string;
  /** uPlot, a classic script that sets one global. */
  readonly library: Asset;
  /** The page's own modules, in order. */
  readonly scripts: readonly Asset[];
  readonly style: Asset;
}

interface PageParts {
  readonly policy: string;
  readonly style: Handlebars.SafeString;
  readonly library: Handlebars.SafeString;
  readonly scripts: readonly Handlebars.SafeString[];
  readonly data: Handlebars.SafeString;
}

let cached: Assets | undefined;

export const htmlRenderer: Renderer = { name: "html", file: "report.html", render: renderHtml };

function renderHtml(model: ReportModel): string {
  const { template, library, scripts, style } = (cached ??= loadAssets());
  // Not in the template, because the formatter takes it away; without it browsers fall back to quirks.
  return `<!doctype html>\n${template({
    ...buildView(model),
    policy: policyOf([library, ...scripts], style),
    // Only our own files and escaped JSON get past the template's escaping. The tags are put on here: a formatter that adds white space
    // between tag and text in the template would break the hashes.
    style: inlined("<style>", style.text, "</style>"),
    library: inlined("<script>", library.text, "</script>"),
    scripts: scripts.map(({ text }) => inlined('<script type="module">', text, "</script>")),
    data: inlined('<script type="application/json" id="report-data">', dataBlock(model), "</script>"),
  })}`;
}

function inlined(open: string, text: string, close: string): Handlebars.SafeString {
  return new Handlebars.SafeString(`${open}${text}${close}`);
}

function loadAssets(): Assets {
  const uplot = join(createRequire(import.meta.url).resolve("uplot"), "..");
  const read = (path: string): string => readFileSync(path, "utf8");
  const compile = (name: string): Handlebars.TemplateDelegate => compileOwn(read(join(folder, name)));
  const [findings, faults] = [compile("findings.hbs"), compile("faults.hbs")];
  // The tables that stand twice: helpers instead of partials, because the formatter knows no partials.
  const helpers = {
    findingTable: (rows: unknown, caption: string) => new Handlebars.SafeString(findings({ rows, caption })),
    faultTable: (rows: unknown) => new Handlebars.SafeString(faults({ rows })),
  };
  const page = compile("report.hbs");
  return {
    template: (view) => page(view, { helpers }),
    library: asset(read(join(uplot, "uPlot.iife.min.js"))),
    scripts: pageScripts.map((name) => asset(read(join(folder, "page", name)))),
    style: asset(
      [join(uplot, "uPlot.min.css"), ...styles.map((name) => join(folder, "style", name))]
        .map(read)
        .join("\n"),
    ),
  };
}

/** Strict: a name that the view lacks is an error, not an empty text. No helper but the built-in ones and ours. */
function compileOwn(source: string): Handlebars.TemplateDelegate {
  const knownHelpers = { findingTable: true, faultTable: true };
  return Handlebars.compile(source, { strict: true, knownHelpersOnly: true, knownHelpers });
}

/** Browsers hash what stands between the tags after newlines are made LF; text with a closing tag in it could not be inlined. */
function asset(source: string): Asset {
  const text = source.replaceAll("\r\n", "\n");
  if (/<\/(?:script|style)|<!--/i.test(text))
    throw new TypeError("an inlined file holds a closing tag or a comment of HTML");
  return { text, hash: `'sha256-${createHash("sha256").update(text).digest("base64")}'` };
}

function policyOf(scripts: readonly Asset[], style: Asset): string {
  return `default-src 'none'; script-src ${scripts.map(({ hash }) => hash).join(" ")}; style-src ${style.hash}; img-src data:; base-uri 'none'; form-action 'none'`;
}

const decimals: Readonly<Record<string, number>> = { bytes: 0, ratio: 4, ms: 3, "1/s": 1 };

/** JSON for the page's script. Every `<` is escaped, so no text of a run can end the data block; U+2028 and U+2029 are fine in JSON. */
function dataBlock(model: ReportModel): string {
  const { axis, bands, marks } = model;
  const charts = model.charts.map(({ id, unit, scale, series }) => ({
    id,
    unit,
    scale,
    series: series.map(shorten),
  }));
  return JSON.stringify({ axis, bands, marks, charts }).replaceAll("<", "\\u003c");
}

function shorten({ label, unit, values }: ChartSeries): ChartSeries {
  const factor = 10 ** (decimals[unit] ?? 3);
  return {
    label,
    unit,
    values: values.map((value) => (value === null ? null : Math.round(value * factor) / factor)),
  };
}
