// One chart: uPlot with the bands behind its lines, our own legend with values at the cursor, colours from the style sheet.
const page = globalThis.kilnPage;
const gutter = 64;
const rightPad = 30;

const strokes = {
  load: [
    ["--s6", 1.5, [5, 4]],
    ["--s1", 1.5],
  ],
  latency: [
    ["--s1", 2],
    ["--s3", 1.3],
    ["--s2", 1.3],
    ["--s6", 1, [2, 3]],
  ],
  failures: [
    ["--fail", 1.6],
    ["--s4", 1.3, [5, 3]],
    ["--s6", 1.2],
    ["--s5", 1.2, [2, 3]],
    ["--s3", 1.2, [6, 3, 2, 3]],
  ],
};
const colours = ["--s1", "--s2", "--s3", "--s4", "--s5", "--s7", "--s6"];
const dashes = [[], [6, 3], [2, 3]];

function strokeOf(chart, index) {
  if (chart.series[index].label === "whole machine") return ["--s6", 1.2, [2, 3]];
  return (
    strokes[chart.id]?.[index] ?? [
      colours[index % colours.length],
      1.4,
      dashes[Math.floor(index / colours.length) % dashes.length],
    ]
  );
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const washes = {
  "warm-up": "--warm",
  window: "--window",
  spike: "--spike",
  drill: "--mending-wash",
  gap: "--gap",
  unseen: "--gap",
};

/** Calls `paint(band, from, to)` with the edges, in canvas pixels, of every band that is in sight. */
function eachBand(plot, data, paint) {
  const { ctx, bbox } = plot;
  const right = bbox.left + bbox.width;
  const at = (ms) => Math.min(Math.max(plot.valToPos(ms / 1000, "x", true), bbox.left), right);
  ctx.save();
  for (const band of data.bands) {
    const [from, to] = [at(band.fromMs), at(band.toMs)];
    if (from < right && to > bbox.left) paint(band, from, to, at);
  }
  ctx.restore();
}

/** Shades the bands behind grid and lines. */
function shadeBands(plot, data) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const shade = (variable, from, to) => {
    ctx.fillStyle = css(variable);
    ctx.fillRect(from, bbox.top, Math.max(ratio, to - from), bbox.height);
  };
  eachBand(plot, data, (band, from, to, at) => {
    if (band.kind !== "fault") return shade(washes[band.kind], from, to);
    const healed = Math.max(from, at(band.healedMs ?? band.fromMs));
    shade("--harm-wash", from, Math.max(healed, from + 2 * ratio));
    return shade("--mending-wash", healed, to);
  });
}

/** Writes short names of bands at the top, over the grid, where there is room. */
function nameBands(plot, data) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  let labelEnd = 0;
  eachBand(plot, data, (band, from) => {
    if (band.short === "") return;
    ctx.font = `${11 * ratio}px ${page.font}`;
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    const start = from + 3 * ratio;
    const end = start + ctx.measureText(band.short).width;
    if (start < labelEnd || end > bbox.left + bbox.width) return;
    ctx.fillStyle = css("--soft");
    ctx.fillText(band.short, start, bbox.top + 2 * ratio);
    labelEnd = end + 4 * ratio;
  });
}

function drawMarks(plot, data) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = css("--ink");
  ctx.setLineDash([2 * devicePixelRatio, 2 * devicePixelRatio]);
  ctx.lineWidth = devicePixelRatio;
  for (const mark of data.marks) {
    const x = plot.valToPos(mark.atMs / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** A legend with a sample of each line; returns a function that shows the values at one point of the axis (null: none). */
function buildLegend(host, chart) {
  const cells = chart.series.map((series, index) => {
    const [colour, width, dash = []] = strokeOf(chart, index);
    const item = document.createElement("span");
    const swatch = document.createElement("canvas");
    swatch.width = 44;
    swatch.height = 16;
    swatch.setAttribute("aria-hidden", "true");
    const ctx = swatch.getContext("2d");
    ctx.strokeStyle = css(colour);
    ctx.lineWidth = width * 2;
    ctx.setLineDash(dash.map((length) => length * 2));
    ctx.beginPath();
    ctx.moveTo(0, 8);
    ctx.lineTo(44, 8);
    ctx.stroke();
    const shown = document.createElement("b");
    item.append(swatch, series.label.length > 28 ? `${series.label.slice(0, 27)}…` : series.label, shown);
    item.title = series.label;
    host.append(item);
    return shown;
  });
  return (index) =>
    cells.forEach(
      (cell, k) =>
        (cell.textContent =
          index === null ? "" : page.value(chart.series[k].values[index], chart.series[k].unit)),
    );
}

function yRange(chart) {
  if (chart.scale === "log") {
    return (_plot, low, high) => {
      if (!(low > 0) || !(high > 0)) return [1, 1000];
      return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high) + 0.001)];
    };
  }
  return (_plot, _low, high) => [0, Math.max((high ?? 0) * 1.12, chart.unit === "ratio" ? 0.1 : 1)];
}

const timeSteps = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
];

function axes(chart) {
  const ink = css("--soft");
  const grid = { stroke: css("--rule"), width: 1 };
  const font = `11.5px ${page.font}`;
  const x = {
    stroke: ink,
    grid: { show: false },
    ticks: { ...grid, size: 4 },
    font,
    size: 24,
    gap: 3,
    space: 66,
    incrs: timeSteps,
    values: (_plot, splits) => splits.map((split) => page.clock(split, true)),
  };
  const byteSteps = {
    incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 256, 512, 1024, 2048, 4096, 10240, 20480].map(
      (mib) => mib * 1048576,
    ),
  };
  const decades = (low, high) =>
    Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, index) => low * 10 ** index);
  const logOnly = { splits: (_plot, _axis, low, high) => decades(low, high) };
  const text = (split) =>
    split === null ? "" : chart.unit === "1/s" ? page.value(split, "") : page.value(split, chart.unit);
  const whole =
    chart.unit === "1/s" ? { incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000] } : {};
  const extra = chart.scale === "log" ? logOnly : chart.unit === "bytes" ? byteSteps : whole;
  const y = {
    stroke: ink,
    grid,
    ticks: { show: false },
    font,
    size: gutter,
    gap: 6,
    space: 26,
    values: (_plot, splits) => splits.map(text),
    ...extra,
  };
  return [x, y];
}

function seriesOf(chart) {
  const stepped = globalThis.uPlot.paths.stepped({ align: 1 });
  return chart.series.map((series, index) => {
    const [colour, width, dash = []] = strokeOf(chart, index);
    const steps = chart.unit === "1/s" ? { paths: stepped } : {};
    return {
      label: series.label,
      stroke: css(colour),
      width,
      dash,
      points: { show: false },
      spanGaps: false,
      ...steps,
    };
  });
}

/** Draws one chart into `host`. `onRange(min, max)` hears of every zoom, `onCursor(index)` of the cursor. */
function makeChart(host, chart, data, range, width, { onRange, onCursor }) {
  const positive = (values) => values.map((value) => (value !== null && value > 0 ? value : null));
  const values = chart.series.map((series) =>
    chart.scale === "log" ? positive(series.values) : series.values,
  );
  const options = {
    width,
    height: chart.id === "latency" ? 190 : 140,
    padding: [8, rightPad, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: "kiln" },
      drag: { x: true, y: false, dist: 4 },
      y: false,
      points: { size: 5 },
      bind: { dblclick: (plot) => () => onRange(null, null, plot) },
    },
    scales: {
      x: { time: false, min: range[0], max: range[1] },
      y: { distr: chart.scale === "log" ? 3 : 1, range: yRange(chart) },
    },
    axes: axes(chart),
    series: [{}, ...seriesOf(chart)],
    hooks: {
      drawClear: [(plot) => shadeBands(plot, data)],
      drawAxes: [(plot) => nameBands(plot, data)],
      draw: chart.id === "memory" || chart.id === "failures" ? [(plot) => drawMarks(plot, data)] : [],
      setScale: [(plot, key) => key === "x" && onRange(plot.scales.x.min, plot.scales.x.max, plot)],
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
    },
  };
  return new globalThis.uPlot(options, [data.axis.xSec, ...values], host);
}

Object.assign(page, { makeChart, buildLegend, gutter, rightPad });
