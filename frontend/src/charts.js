// Draws the charts. Their data stands in the page (`data-drawing`), so that a refresh brings figures and charts together;
// colours are the style sheet's custom properties, so that they follow light and dark.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { options } from "./chart_options.js";

use([BarChart, LineChart, GridComponent, TooltipComponent, SVGRenderer]);

const ROW_HEIGHT_REM = 1.75;

// Chart of each drawing on the page.
const charts = new Map();

export function startCharts() {
  drawAll();
  document.addEventListener("htmx:afterSwap", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
}

function redraw() {
  for (const [place, { chart }] of charts) {
    chart.dispose();
    place.replaceChildren();
    charts.delete(place);
  }
  drawAll();
}

function drawAll() {
  for (const [place, { chart, observer }] of charts) {
    if (!place.isConnected) {
      observer.disconnect();
      chart.dispose();
      charts.delete(place);
    }
  }
  document.querySelectorAll("[data-drawing]").forEach(draw);
}

function draw(place) {
  const known = charts.get(place) ?? start(place);
  if (known.drawn === place.dataset.drawing) {
    return;
  }
  const data = JSON.parse(place.dataset.drawing);
  known.drawn = place.dataset.drawing;
  // One row a service, however many there are.
  place.style.minHeight = data.names ? `max(16rem, ${data.names.length * ROW_HEIGHT_REM}rem)` : "";
  known.chart.resize();
  known.chart.setOption(options(place.dataset.chart, data, place), { replaceMerge: ["series"] });
}

function start(place) {
  const canvas = document.createElement("div");
  canvas.className = "drawing-canvas";
  canvas.setAttribute("data-kept", "");
  place.replaceChildren(canvas);
  const chart = init(canvas, null, { renderer: "svg" });
  const observer = new ResizeObserver(() => chart.resize());
  observer.observe(canvas);
  // What is really on the screen; the browser tests read it.
  chart.on("finished", () => canvas.setAttribute("data-points", countPoints(chart)));
  const known = { chart, observer, drawn: null };
  charts.set(place, known);
  return known;
}

function countPoints(chart) {
  return String(chart.getOption().series.flatMap((series) => series.data).filter((value) => value !== null && value !== 0).length);
}
