// Brings the page to life: reads the data block, draws lanes and charts on one range, keeps them together, and turns links with a time
// range into a zoom. Without it the page is still whole in words.
const page = globalThis.kilnPage;
const data = JSON.parse(document.getElementById("report-data").textContent);
const full = [data.axis.startMs / 1000, data.axis.endMs / 1000];
const shown = document.getElementById("shown");
const lanes = document.getElementById("lanes");
const plotsBox = document.getElementById("plots");
const shortestSec = 2;
let range = [...full];
let charts = [];
let setting = false;

function keepInside(min, max) {
  const length = Math.min(Math.max(max - min, shortestSec), full[1] - full[0]);
  const from = Math.min(Math.max(min, full[0]), full[1] - length);
  return [from, from + length];
}

function width() {
  return Math.max(240, document.getElementById("run").clientWidth);
}

function drawLanes() {
  const all = width();
  page.drawLanes(
    lanes,
    data,
    range[0],
    range[1],
    { width: all, left: page.gutter, right: all - page.rightPad },
    zoom,
  );
}

/** Shows [min, max] seconds in every chart and lane; null for the whole run. */
function zoom(min, max) {
  if (setting) return;
  setting = true;
  range = min === null ? [...full] : keepInside(min, max);
  for (const { plot } of charts) plot.setScale("x", { min: range[0], max: range[1] });
  setting = false;
  drawLanes();
  const whole = range[0] === full[0] && range[1] === full[1];
  shown.textContent = whole
    ? "the whole run"
    : `${page.clock(range[0], true)} to ${page.clock(range[1], true)}`;
}

function build() {
  page.font = getComputedStyle(document.body).fontFamily;
  for (const { plot } of charts) plot.destroy();
  charts = data.charts.map((chart) => {
    const legendHost = document.getElementById(`${chart.id}-legend`);
    legendHost.replaceChildren();
    const legend = page.buildLegend(legendHost, chart);
    const host = document.getElementById(`${chart.id}-plot`);
    host.replaceChildren();
    const onRange = (min, max) => {
      if (min === null || (!setting && (min !== range[0] || max !== range[1])))
        queueMicrotask(() => zoom(min, max));
    };
    return { plot: page.makeChart(host, chart, data, range, width(), { onRange, onCursor: legend }) };
  });
  zoom(range[0], range[1]);
}

const moves = {
  all: () => zoom(null),
  in: () => zoom(range[0] + (range[1] - range[0]) / 4, range[1] - (range[1] - range[0]) / 4),
  out: () => zoom(range[0] - (range[1] - range[0]) / 2, range[1] + (range[1] - range[0]) / 2),
  left: () => zoom(range[0] - (range[1] - range[0]) / 2, range[1] - (range[1] - range[0]) / 2),
  right: () => zoom(range[0] + (range[1] - range[0]) / 2, range[1] + (range[1] - range[0]) / 2),
};

document.addEventListener("click", (event) => {
  const move = event.target.closest?.("button[data-do]");
  if (move) moves[move.dataset.do]();
  const link = event.target.closest?.("a.range");
  if (!link) return;
  event.preventDefault();
  const [from, to] = [Number(link.dataset.from) / 1000, Number(link.dataset.to) / 1000];
  // A moment is shown with what came before and after it.
  const margin = to === from ? 10 : Math.max(5, (to - from) * 0.15);
  zoom(from - margin, to + margin);
  document.getElementById("run").scrollIntoView();
  document.querySelector("#plots button").focus({ preventScroll: true });
});

// A link to a fault inside a closed list opens the list.
addEventListener("hashchange", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  target?.closest("details")?.setAttribute("open", "");
  target?.scrollIntoView();
});

plotsBox.hidden = false;
document.getElementById("no-script").hidden = true;
build();
let builtWidth = width();
new ResizeObserver(() => {
  if (width() === builtWidth) return;
  builtWidth = width();
  for (const { plot } of charts) plot.setSize({ width: builtWidth, height: plot.height });
  drawLanes();
}).observe(document.getElementById("run"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);

// On paper: everything open.
addEventListener("beforeprint", () =>
  document.querySelectorAll("details").forEach((one) => (one.open = true)),
);
