// The tail of a list: rows come by themselves as records arrive, and nothing that the reader is at moves. What the server sends is a row as
// its template makes one.
import { takeRow } from "./list.js";

// The server said no, or is away for longer than a browser tries by itself.
const REOPEN_MS = 5000;
let source = null;
let lastEventId = "";
let reopening = null;

export function startTail(htmx) {
  const button = document.getElementById("live");
  if (!button) {
    return;
  }
  open(button, htmx);
  // A tab that nobody sees watches nothing, and a browser has few connections for all of its tabs.
  document.addEventListener("visibilitychange", () => {
    close();
    if (document.visibilityState === "visible") {
      open(button, htmx);
    }
  });
  window.addEventListener("pagehide", close);
  // Back out of the browser's memory, with the stream that was closed when the reader left.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      close();
      open(button, htmx);
    }
  });
}

// Whether new rows come by themselves: then the page need not ask.
export function isLive() {
  return document.getElementById("live")?.dataset.connection === "live";
}

function open(button, htmx) {
  const url = new URL(button.dataset.live, location.href);
  if (lastEventId) {
    url.searchParams.set("after", lastEventId);
  }
  source = new EventSource(url);
  for (const kind of ["record", "change", "gap", "state"]) {
    source.addEventListener(kind, (event) => {
      lastEventId = event.lastEventId;
      take(kind, event.data, button, htmx);
    });
  }
  source.addEventListener("error", () => {
    say(button, "lost");
    if (source.readyState === EventSource.CLOSED) {
      // The page tells why: the session has ended, or the server is busy.
      htmx.trigger("#page", "refresh");
      reopening = setTimeout(() => open(button, htmx), REOPEN_MS);
    }
  });
}

function close() {
  clearTimeout(reopening);
  source?.close();
}

function take(kind, data, button, htmx) {
  if (kind === "state") {
    const isBack = JSON.parse(data).state === "live";
    const wasLive = isLive();
    say(button, isBack ? "live" : "lost");
    // What came between the page and its stream, or while the database was away.
    if (!isBack || !wasLive) {
      htmx.trigger("#page", "refresh");
    }
    return;
  }
  if (kind === "gap" || !document.querySelector(".log-rows")) {
    htmx.trigger("#page", "refresh");
    return;
  }
  const template = document.createElement("template");
  template.innerHTML = data;
  takeRow(template.content.firstElementChild);
}

function say(button, connection) {
  button.dataset.connection = connection;
  button.querySelector(".live-on").hidden = connection === "lost";
  button.querySelector(".live-lost").hidden = connection !== "lost";
}
