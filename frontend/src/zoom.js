// A chart leads on: a stretch drawn over it zooms the page, a click on a bar lists the records behind it. The table behind the chart has
// the same as links, for those who use no mouse.
export function letZoom(canvas, chart, data) {
  const area = chart.getZr();
  let first = null;
  let shade = null;

  const end = () => {
    shade?.remove();
    first = shade = null;
  };
  area.on("mousedown", ({ event, offsetX, offsetY }) => {
    // A finger scrolls.
    if (event.button === 0 && event.pointerType !== "touch" && !event.touches && chart.containPixel("grid", [offsetX, offsetY])) {
      first = { offsetX, index: indexAt(chart, offsetX, data()) };
    }
  });
  area.on("mousemove", ({ offsetX }) => {
    if (first && Math.abs(offsetX - first.offsetX) > 6) {
      shade ??= addShade(canvas);
      shade.style.left = `${Math.min(offsetX, first.offsetX)}px`;
      shade.style.width = `${Math.abs(offsetX - first.offsetX)}px`;
    }
  });
  area.on("mouseup", ({ offsetX }) => {
    if (first && shade) {
      const [from, to] = [first.index, indexAt(chart, offsetX, data())].sort((one, other) => one - other);
      go(data().page, "", data().bounds[from], data().bounds[to + 1]);
    }
    end();
  });
  area.on("globalout", end);
  chart.on("click", ({ seriesIndex, dataIndex }) => {
    const { logs, series, bounds } = data();
    if (logs) {
      go(logs, series[seriesIndex].query, bounds[dataIndex], bounds[dataIndex + 1]);
    }
  });
}

function indexAt(chart, offsetX, { bounds }) {
  const index = Math.round(chart.convertFromPixel({ xAxisIndex: 0 }, [offsetX, 0])[0] ?? chart.convertFromPixel({ xAxisIndex: 0 }, offsetX));
  return Math.min(Math.max(index, 0), bounds.length - 2);
}

function addShade(canvas) {
  const shade = document.createElement("div");
  shade.className = "zoom-shade";
  canvas.append(shade);
  return shade;
}

function go(address, query, from, to) {
  const url = new URL(address, location.href);
  new URLSearchParams(query).forEach((value, name) => url.searchParams.set(name, value));
  url.searchParams.set("from", from);
  url.searchParams.set("to", to);
  location.assign(url);
}
