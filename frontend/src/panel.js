// One record beside the list. Which one stands in the address, so that it can be sent to somebody.
import { growTrees, searchTrees } from "./json_tree.js";

const RECORD = /^[0-9a-f-]{36}$/i;
let opener = null;
let ajax = null;

export function startPanel(htmx) {
  const panel = document.getElementById("panel");
  if (!panel) {
    return;
  }
  ajax = (id) => htmx.ajax("GET", panel.dataset.records + id, { target: panel, swap: "innerHTML" }).catch(() => {});
  // An error's page is a sentence where the record would have been.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === panel && event.detail.isError) {
      event.detail.shouldSwap = true;
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === panel) {
      growTrees(panel);
    }
  });
  for (const failed of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failed, (event) => {
      if (event.detail.target === panel) {
        panel.replaceChildren(document.getElementById("panel-unreachable").content.cloneNode(true));
      }
    });
  }
  panel.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) {
      closePanel();
    }
  });
  panel.addEventListener("input", (event) => {
    if (event.target.id === "payload-search") {
      showFound(searchTrees(panel, event.target.value), event.target.value);
    }
  });
  const follow = () => {
    const record = new URLSearchParams(location.search).get("record");
    if (record) {
      openRecord(record, null);
    } else if (isPanelOpen()) {
      closePanel();
    }
  };
  window.addEventListener("popstate", follow);
  follow();
}

export function openRecord(id, link) {
  const panel = document.getElementById("panel");
  if (!RECORD.test(id ?? "")) {
    return;
  }
  opener = link;
  mark(id);
  const topPx = link?.getBoundingClientRect().top;
  panel.hidden = false;
  panel.setAttribute("aria-busy", "true");
  document.documentElement.setAttribute("data-panel", "");
  // The list makes way, and the row stays under the pointer.
  if (link) {
    window.scrollBy({ top: link.getBoundingClientRect().top - topPx, behavior: "instant" });
  }
  address(id);
  ajax(id).then(() => {
    panel.removeAttribute("aria-busy");
    panel.focus({ preventScroll: true });
  });
}

export function closePanel() {
  const panel = document.getElementById("panel");
  panel.hidden = true;
  panel.replaceChildren();
  document.documentElement.removeAttribute("data-panel");
  mark(null);
  address(null);
  if (opener?.isConnected) {
    opener.focus({ preventScroll: true });
  }
}

export function isPanelOpen() {
  return document.getElementById("panel")?.hidden === false;
}

export function mark(id = new URLSearchParams(location.search).get("record")) {
  document.querySelector("[data-row][aria-current]")?.removeAttribute("aria-current");
  if (id) {
    document.querySelector(`.log-link[data-record="${CSS.escape(id)}"]`)?.closest("[data-row]")?.setAttribute("aria-current", "true");
  }
}

function address(id) {
  const url = new URL(location.href);
  const hadRecord = url.searchParams.has("record");
  url.searchParams.delete("record");
  if (id) {
    url.searchParams.set("record", id);
  }
  // The way back leads from a record to its list: on a telephone the record covers it.
  if (id && !hadRecord) {
    history.pushState(null, "", url);
  } else {
    history.replaceState(null, "", url);
  }
}

function showFound(count, words) {
  const place = document.getElementById("payload-found");
  place.textContent = words.trim() === "" ? "" : count === 0 ? place.dataset.none : String(count);
}
