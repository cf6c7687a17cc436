// The page asks for itself again and again, while somebody can see it. When that fails it keeps what it shows, says what is
// wrong, and goes on trying.

import { isPaused } from "./list.js";
import { isLive } from "./tail.js";

const RETRY_STATUS = 503;
// Where rows come by themselves, only what else the page tells grows old: how long ago, and the time of its header.
const LIVE_INTERVAL_MS = 60_000;

export function startRefresh(htmx) {
  const page = document.getElementById("page");
  if (page) {
    refreshForever(htmx, page);
  }
  const problem = document.querySelector("[data-retry-s]");
  if (problem) {
    setInterval(reloadWhenBack, problem.dataset.retryS * 1000);
  }
}

function refreshForever(htmx, page) {
  const intervalMs = page.dataset.refreshS * 1000;
  let askedAtMs = performance.now();
  const refresh = () => {
    if (document.visibilityState === "visible" && !isEnded() && !isPaused()) {
      askedAtMs = performance.now();
      htmx.trigger(page, "refresh");
    }
  };
  setInterval(() => {
    if (!isLive() || performance.now() - askedAtMs >= LIVE_INTERVAL_MS) {
      refresh();
    }
  }, intervalMs);
  document.addEventListener("visibilitychange", () => {
    if (performance.now() - askedAtMs > intervalMs) {
      refresh();
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id === "page") {
      showMessage(messageFor(event.detail.xhr.status));
    }
  });
}

function messageFor(status) {
  if (status >= 200 && status < 400) {
    return null;
  }
  // 401 does not come here: its HX-Redirect leads to the sign-in page.
  return { 0: "network", 403: "refused", 503: "database" }[status] ?? "server";
}

function showMessage(name) {
  document.documentElement.toggleAttribute("data-lost", name !== null);
  for (const message of document.querySelectorAll("[data-message]")) {
    message.hidden = message.dataset.message !== name;
  }
}

// Asking again with rights that are gone would only fill logs.
function isEnded() {
  return document.querySelector("[data-message=refused]:not([hidden])") !== null;
}

async function reloadWhenBack() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.status !== RETRY_STATUS) {
      // Not `reload()`: this answer may have used up a sign-in link and led on to the dashboard, and no form is to be sent twice.
      location.replace(answer.url);
    }
  } catch {
    // Still away.
  }
}
