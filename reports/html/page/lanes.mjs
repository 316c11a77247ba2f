// The strip above the charts: windows, spikes, faults and restarts as bars on the same time axis, with names. Drawn anew at each zoom.
const page = globalThis.kilnPage;
const svgSpace = "http://www.w3.org/2000/svg";
const rowHeight = 19;
const maxFaultRows = 4;

function element(tag, attributes, text) {
  const node = document.createElementNS(svgSpace, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Puts bars with their labels (`key` names the text) into rows so that nothing touches; null where that needs more than `maxRows`. */
function packLabelled(bars, maxRows, right, key, measure) {
  const ends = [];
  const packed = [];
  for (const bar of bars) {
    const wide = measure(bar[key]);
    const inside = bar.kind !== "fault" && bar.x1 - bar.x0 >= wide + 12;
    const before = !inside && bar.x1 + 4 + wide > right;
    const from = before ? bar.x0 - 4 - wide : bar.x0;
    const to = before || inside ? bar.x1 : bar.x1 + 4 + wide;
    const found = ends.findIndex((end) => from >= end);
    const row = found < 0 ? ends.length : found;
    if (row >= maxRows || from < -4) return null;
    ends[row] = to + 8;
    packed.push({ ...bar, row, shown: bar[key], before, inside });
  }
  return packed;
}

/** Full names where there is room, else short ones, else bars alone in one row: zooming in brings the names back. */
function pack(bars, maxRows, right, measure) {
  const short = bars.every((bar) => bar.short) ? packLabelled(bars, maxRows, right, "short", measure) : null;
  return (
    packLabelled(bars, maxRows, right, "text", measure) ??
    short ??
    bars.map((bar) => ({ ...bar, row: 0, shown: "" }))
  );
}

function drawBar(svg, bar, y, geometry, onZoom) {
  const { left, right } = geometry;
  const clamp = (x) => Math.min(Math.max(x, left), right);
  const group = element("g", {});
  const part = (name, from, to) => {
    if (to < left || from > right) return;
    group.append(
      element("rect", {
        class: name,
        x: clamp(from),
        y: y + 3,
        width: Math.max(2, clamp(to) - clamp(from)),
        height: 11,
      }),
    );
  };
  if (bar.kind === "fault") {
    part("mending", bar.xHealed, bar.x1);
    part("harm", bar.x0, bar.xHealed);
  } else part(bar.kind, bar.x0, bar.x1);
  group.append(
    element(
      "title",
      {},
      `${bar.label}, ${page.clock(bar.fromMs / 1000, true)} to ${page.clock(bar.toMs / 1000, true)}`,
    ),
  );
  if (bar.kind === "fault" || bar.kind === "drill")
    group.addEventListener("click", () => onZoom(bar.fromMs / 1000 - 3, bar.toMs / 1000 + 5));
  if (bar.shown !== "") {
    const at = bar.inside
      ? { x: (clamp(bar.x0) + clamp(bar.x1)) / 2, "text-anchor": "middle" }
      : bar.before
        ? { x: clamp(bar.x0) - 4, "text-anchor": "end" }
        : { x: clamp(bar.x1) + 4 };
    group.append(element("text", { ...at, y: y + 12.5 }, bar.shown));
  }
  svg.append(group);
}

function barsOf(data, kinds, x, { left, right }) {
  return data.bands
    .filter((band) => kinds.includes(band.kind) && x(band.toMs) >= left && x(band.fromMs) <= right)
    .map((band) => {
      const name = band.kind === "warm-up" ? "warm-up" : band.label;
      const text = name.length > 40 ? `${name.slice(0, 39)}…` : name;
      const from = x(band.fromMs);
      const xHealed = Math.max(x(band.kind === "fault" ? (band.healedMs ?? band.fromMs) : 0), from + 2);
      return {
        ...band,
        text,
        x0: Math.max(left, from),
        x1: Math.min(right, Math.max(x(band.toMs), from + 2)),
        xHealed,
      };
    });
}

function drawRestarts(svg, marks, y, x, right, measure) {
  const bars = marks.map((mark) => ({
    ...mark,
    text: mark.label,
    x0: x(mark.atMs) - 4,
    x1: x(mark.atMs) + 4,
  }));
  for (const bar of pack(bars, 1, right, measure)) {
    const group = element("g", {});
    group.append(
      element("path", { d: `M${bar.x0 - 1} ${y + 13}h10l-5 -9z` }),
      element("title", {}, `${bar.label} at ${page.clock(bar.atMs / 1000, true)}`),
    );
    if (bar.shown !== "")
      group.append(
        element(
          "text",
          bar.before ? { x: bar.x0 - 4, y: y + 12.5, "text-anchor": "end" } : { x: bar.x1 + 4, y: y + 12.5 },
          bar.shown,
        ),
      );
    svg.append(group);
  }
}

/** Draws all lanes into `host` for [minSec, maxSec]; `geometry` holds width, left and right edge of the plots in pixels. */
function draw(host, data, minSec, maxSec, geometry, onZoom) {
  const { width, left, right } = geometry;
  const x = (ms) => left + ((ms / 1000 - minSec) / (maxSec - minSec)) * (right - left);
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.font = `11.5px ${page.font}`;
  const measure = (text) => canvas.measureText(text).width;
  const lanes = [
    [
      "plan",
      pack(barsOf(data, ["warm-up", "window", "spike", "gap", "unseen"], x, geometry), 2, right, measure),
    ],
    ["drills", pack(barsOf(data, ["drill"], x, geometry), 2, right, measure)],
    ["faults", pack(barsOf(data, ["fault"], x, geometry), maxFaultRows, right, measure)],
  ].filter(([, bars]) => bars.length > 0);
  const svg = element("svg", {
    role: "img",
    "aria-label": `What happened when: ${data.bands.length} bands, ${data.marks.length} restarts; the tables hold the same in words`,
  });
  let y = 0;
  const nameLane = (name) => svg.append(element("text", { class: "lane", x: left - 10, y: y + 12.5 }, name));
  for (const [name, bars] of lanes) {
    nameLane(name);
    for (const bar of bars) drawBar(svg, bar, y + bar.row * rowHeight, geometry, onZoom);
    y += (Math.max(...bars.map((bar) => bar.row)) + 1) * rowHeight;
  }
  const marks = data.marks.filter((mark) => x(mark.atMs) >= left && x(mark.atMs) <= right);
  if (marks.length > 0) {
    nameLane("restarts");
    drawRestarts(svg, marks, y, x, right, measure);
    y += rowHeight;
  }
  svg.setAttribute("height", String(y + 4));
  svg.setAttribute("viewBox", `0 0 ${width} ${y + 4}`);
  host.replaceChildren(svg);
}

page.drawLanes = draw;
