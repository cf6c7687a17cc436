// Draws the charts. Their data stands in the page (`data-drawing`), so that a refresh brings figures and charts together;
// colours are the style sheet's custom properties, so that they follow light and dark.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { options } from "./chart_options.js";
import { letZoom } from "./zoom.js";

use([BarChart, LineChart, GridComponent, TooltipComponent, SVGRenderer]);

// Chart of each drawing on the page.
const charts = new Map();

export function startCharts() {
  drawAll();
  document.addEventListener("htmx:afterSwap", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
}

function redraw() {
  for (const [place, { chart, observer }] of charts) {
    observer.disconnect();
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
  if (known.drawn !== place.dataset.drawing) {
    known.drawn = place.dataset.drawing;
    known.data = JSON.parse(place.dataset.drawing);
    known.chart.setOption(options(known.data, place), { replaceMerge: ["series"] });
  }
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
  const known = { chart, observer, drawn: null, data: null };
  charts.set(place, known);
  letZoom(canvas, chart, () => known.data);
  return known;
}

function countPoints(chart) {
  const values = chart.getOption().series.flatMap((series) => series.data.map((each) => each?.value ?? each));
  return String(values.filter((value) => typeof value === "number" && value !== 0).length);
}
