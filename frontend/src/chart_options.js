// What a chart looks like, as ECharts options. What is written on it comes with the data, in the reader's language and zone; numbers of
// an axis are the browser's business.
const LANGUAGE = document.documentElement.lang;
const COUNT = new Intl.NumberFormat(LANGUAGE);
const SECONDS = new Intl.NumberFormat(LANGUAGE, { maximumSignificantDigits: 3 });
const COMPACT = new Intl.NumberFormat(LANGUAGE, { notation: "compact" });
const BAR_WIDTH_MAX = 28;
// Lines differ in more than colour.
const LINE_TYPES = { p50: "solid", p95: [6, 3], p99: [2, 3] };

export function options(data, place) {
  const look = readLook(place);
  const format = data.unit === "duration" ? (value) => duration(value, place.dataset) : (value) => COUNT.format(value);
  const chart = data.kind === "bars" ? bars(data, look, format) : lines(data, look, format);
  return { animationDuration: 250, animationDurationUpdate: 250, animation: !isStill(), textStyle: { fontFamily: look.font }, ...chart };
}

function bars(data, look, format) {
  const series = data.series.map((each) => ({
    ...named(each, look),
    type: "bar",
    stack: "all",
    barMaxWidth: BAR_WIDTH_MAX,
    barCategoryGap: "25%",
    cursor: data.logs ? "pointer" : "default",
    data: each.values,
  }));
  return overTime(data, look, series, { type: "value", minInterval: 1, axisLabel: { formatter: (value) => COMPACT.format(value) } }, format);
}

// Durations on a logarithmic scale, because vendors differ a hundredfold and a fast one that became twice as slow must be seen too.
function lines(data, look, format) {
  const series = data.series.map((each) => ({
    ...named(each, look),
    type: "line",
    symbolSize: 6,
    data: each.values.map((value, index) => ({
      // No logarithm of nought.
      value: value === null ? null : Math.max(value, data.unit === "duration" ? 1 : 0),
      symbol: isAlone(each.values, index) ? "circle" : "none",
    })),
  }));
  const scale = data.unit === "duration" ? { type: "log", min: lowerPower(series) } : { type: "value", min: 0 };
  return overTime(data, look, series, { ...scale, axisLabel: { formatter: format } }, format);
}

function overTime(data, look, series, values, format) {
  const isBars = data.kind === "bars";
  const pointer = isBars ? { type: "shadow", shadowStyle: { color: look.shade } } : { type: "line", lineStyle: { color: look.faint, type: "solid" } };
  return {
    grid: { top: 12, bottom: 4, left: 4, right: 12, containLabel: true },
    tooltip: tooltip(look, format, pointer),
    xAxis: {
      type: "category",
      data: data.titles,
      boundaryGap: isBars,
      axisLine: { lineStyle: { color: look.line } },
      axisTick: { show: false },
      axisLabel: { color: look.faint, fontSize: 12, margin: 10, hideOverlap: true, formatter: (_, index) => data.labels[index] },
    },
    yAxis: {
      splitNumber: 4,
      ...values,
      splitLine: { lineStyle: { color: look.line } },
      axisLabel: { color: look.faint, fontSize: 12, ...values.axisLabel },
    },
    series,
  };
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

function named(each, look) {
  const color = look.token(each.tone);
  return { name: plain(each.name), itemStyle: { color }, lineStyle: { color, width: 2, type: LINE_TYPES[each.tone] ?? "solid" } };
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
    token,
    font: style.fontFamily,
    text: token("text"),
    faint: token("text-faint"),
    line: token("line"),
    lineStrong: token("line-strong"),
    surface: token("surface"),
    shade: token("chart-shade"),
  };
}

function duration(value, words) {
  return value < 1000 ? `${COUNT.format(Math.round(value))} ${words.ms}` : `${SECONDS.format(value / 1000)} ${words.s}`;
}

// The power of ten at or below the smallest value: where a logarithmic axis begins.
function lowerPower(series) {
  const smallest = Math.min(...series.flatMap((each) => each.data.map(({ value }) => value ?? Infinity)));
  return 10 ** Math.floor(Math.log10(smallest));
}
