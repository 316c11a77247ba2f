// Words for numbers on the page: axis ticks and legend values. Shared by the other scripts through one global object.
const pad = (value) => String(value).padStart(2, "0");

/** Seconds since the first request as "00:01:30"; with `fine` also tenths. */
function clock(seconds, fine = false) {
  const sign = seconds < 0 ? "-" : "";
  const tenths = Math.round(Math.abs(seconds) * 10);
  const whole = fine ? Math.floor(tenths / 10) : Math.round(Math.abs(seconds));
  const text = `${sign}${pad(Math.floor(whole / 3600))}:${pad(Math.floor((whole % 3600) / 60))}:${pad(whole % 60)}`;
  return fine && tenths % 10 > 0 ? `${text}.${tenths % 10}` : text;
}

const short = (value, digits) => String(Number(value.toFixed(digits)));

function milliseconds(value) {
  if (value >= 1000) return `${short(value / 1000, 2)} s`;
  return `${short(value, value < 10 ? 1 : 0)} ms`;
}

/** One value with its unit; a dash where there is none. */
function value(number, unit) {
  if (number === null || number === undefined) return "–";
  if (unit === "ms") return milliseconds(number);
  if (unit === "bytes") return `${short(number / 1048576, number < 10485760 ? 1 : 0)} MiB`;
  if (unit === "ratio") return `${short(number * 100, 0)} %`;
  if (unit === "1/s") return `${short(number, 1)}/s`;
  return short(number, 2);
}

globalThis.kilnPage = { clock, value };
