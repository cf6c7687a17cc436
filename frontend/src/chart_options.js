// What each chart looks like, as ECharts options.
import { bucketName } from "./times.js";

const LANGUAGE = document.documentElement.lang;
const COUNT = new Intl.NumberFormat(LANGUAGE);
const SECONDS = new Intl.NumberFormat(LANGUAGE, { maximumSignificantDigits: 3 });
const COMPACT = new Intl.NumberFormat(LANGUAGE, { notation: "compact" });
const BAR_WIDTH_MAX = 28;

export function options(name, data, place) {
  const look = readLook(place);
  const chart = { errors, calls, durations }[name](data, look, place.dataset);
  return { animationDuration: 250, animationDurationUpdate: 250, animation: !isStill(), textStyle: { fontFamily: look.font }, ...chart };
}

function errors(data, look) {
  const series = data.series.map((each) => ({
    ...named(each, look),
    type: "bar",
    stack: "errors",
    barMaxWidth: BAR_WIDTH_MAX,
    barCategoryGap: "25%",
    data: each.values,
  }));
  return overTime(data, look, series, { type: "value", minInterval: 1, axisLabel: { formatter: compact } }, count);
}

// On a logarithmic scale, because vendors differ a hundredfold and a fast one that became twice as slow must be seen too.
function durations(data, look, words) {
  const series = data.series.map((each) => ({
    ...named(each, look),
    type: "line",
    symbolSize: 6,
    data: each.values.map((value, index) => ({
      value: value === null ? null : Math.max(value, 1),
      symbol: isAlone(each.values, index) ? "circle" : "none",
    })),
  }));
  const format = (value) => duration(value, words);
  return overTime(data, look, series, { type: "log", min: lowerPower(series), axisLabel: { formatter: format } }, format);
}

// Horizontal bars, one a service: succeeded and failed of the same length scale.
function calls(data, look, words) {
  const part = (name, values, color) => ({
    name,
    type: "bar",
    stack: "calls",
    barMaxWidth: 18,
    itemStyle: { color, borderColor: look.surface, borderWidth: 0 },
    data: values,
  });
  return {
    grid: grid({ left: 4, right: 16 }),
    tooltip: tooltip(look, count, { type: "shadow", shadowStyle: { color: look.shade } }),
    xAxis: { type: "value", minInterval: 1, ...valueAxis(look, { formatter: compact }) },
    yAxis: { type: "category", inverse: true, data: data.names.map(plain), ...categoryAxis(look, { width: 110, overflow: "truncate" }) },
    series: [part(words.succeeded, data.succeeded, look.good), part(words.failed, data.failed, look.bad)],
  };
}

function overTime(data, look, series, values, format) {
  const at = data.at_ms.map((ms) => new Date(ms));
  const isBars = series[0].type === "bar";
  const pointer = isBars ? { type: "shadow", shadowStyle: { color: look.shade } } : { type: "line", lineStyle: { color: look.faint, type: "solid" } };
  return {
    grid: grid({ left: 4, right: 12 }),
    tooltip: tooltip(look, format, pointer),
    xAxis: {
      type: "category",
      data: at.map((each) => bucketName(each, data.step, false)),
      boundaryGap: isBars,
      ...categoryAxis(look, { hideOverlap: true, formatter: (_, index) => bucketName(at[index], data.step, true) }),
    },
    yAxis: { splitNumber: 4, ...values, ...valueAxis(look, values.axisLabel) },
    series,
  };
}

function grid(sides) {
  return { top: 12, bottom: 4, containLabel: true, ...sides };
}

function tooltip(look, format, axisPointer) {
  return {
    trigger: "axis",
    // The HTML tooltip writes inline styles, which the Content-Security-Policy refuses.
    renderMode: "richText",
    confine: true,
    axisPointer,
    valueFormatter: (value) => (value === null || value === undefined ? "–" : format(value)),
    backgroundColor: look.surface,
    borderColor: look.lineStrong,
    borderWidth: 1,
    padding: [8, 12],
    textStyle: { color: look.text, fontSize: 12, fontFamily: look.font },
  };
}

function categoryAxis(look, label) {
  return {
    axisLine: { lineStyle: { color: look.line } },
    axisTick: { show: false },
    axisLabel: { color: look.faint, fontSize: 12, margin: 10, ...label },
  };
}

function valueAxis(look, label) {
  return {
    splitLine: { lineStyle: { color: look.line } },
    axisLabel: { color: look.faint, fontSize: 12, ...label },
  };
}

function named(each, look) {
  const color = look.series[each.slot] ?? look.series[0];
  return { name: plain(each.name), itemStyle: { color }, lineStyle: { color, width: 2 } };
}

// Braces have a meaning in rich text.
function plain(name) {
  return name.replace(/[{}|]/g, "·");
}

function isAlone(values, index) {
  return values[index] !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;
}

function isStill() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function readLook(place) {
  const style = getComputedStyle(place);
  const token = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    font: style.fontFamily,
    text: token("text"),
    faint: token("text-faint"),
    line: token("line"),
    lineStrong: token("line-strong"),
    surface: token("surface"),
    shade: token("chart-shade"),
    good: token("chart-good"),
    bad: token("chart-bad"),
    series: Array.from({ length: 11 }, (_, slot) => token(`series-${slot}`)),
  };
}

function count(value) {
  return COUNT.format(value);
}

function compact(value) {
  return COMPACT.format(value);
}

function duration(value, words) {
  return value < 1000 ? `${COUNT.format(Math.round(value))} ${words.ms}` : `${SECONDS.format(value / 1000)} ${words.s}`;
}

// The power of ten at or below the smallest value: where a logarithmic axis begins.
function lowerPower(series) {
  const smallest = Math.min(...series.flatMap((each) => each.data.map(({ value }) => value ?? Infinity)));
  return 10 ** Math.floor(Math.log10(smallest));
}
