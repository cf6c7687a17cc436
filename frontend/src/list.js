// Lists of records: rows open beside the list, and new ones wait until nobody is reading.
import { isPanelOpen, openRecord } from "./panel.js";

let isReleased = false;

export function startList(htmx) {
  document.addEventListener("click", (event) => {
    if (event.target.closest("#waiting")) {
      release(htmx);
      return;
    }
    const live = event.target.closest("#live");
    if (live) {
      live.setAttribute("aria-pressed", String(live.getAttribute("aria-pressed") !== "true"));
      return;
    }
    const link = event.target.closest(".log-link") ?? linkOfRow(event.target);
    // A link opens elsewhere where the reader asks for that.
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      openRecord(link.dataset.record, link);
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.matches("[data-acknowledge]")) {
      htmx.trigger("#page", "refresh");
    }
  });
}

// Selecting text in a row is no click on it, and a row's other links lead where they say.
function linkOfRow(target) {
  const row = target.closest(".log");
  return row && !target.closest("a, button") && document.getSelection().isCollapsed ? row.querySelector(".log-link") : null;
}

// Whether a change of the list would move what the reader is at.
export function isReading() {
  const list = document.querySelector("[data-list]");
  if (!list || isReleased) {
    isReleased = false;
    return false;
  }
  const selection = document.getSelection();
  return (
    list.matches(":hover") ||
    list.contains(document.activeElement) ||
    isPanelOpen() ||
    (!selection.isCollapsed && list.contains(selection.anchorNode)) ||
    list.getBoundingClientRect().top < 0
  );
}

export function showWaiting(count) {
  const button = document.getElementById("waiting");
  if (button) {
    button.hidden = count === 0;
    document.getElementById("waiting-count").textContent = String(count);
  }
}

function release(htmx) {
  isReleased = true;
  htmx.trigger("#page", "refresh");
  document.querySelector("[data-list]").scrollIntoView({ block: "start" });
}
