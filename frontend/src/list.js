// Lists of records: rows open beside the list, and new ones wait until nobody is reading.
import { Idiomorph } from "idiomorph/dist/idiomorph.esm.js";
import { isPanelOpen, mark, openRecord } from "./panel.js";

// A list that grows by itself is cut at its end, and what waits at its beginning: somebody may be away for hours.
const ROWS_MAX = 300;
let isReleased = false;
// New rows that the reader has not let in yet, by the id of their element, in the order in which they came.
const waiting = new Map();
// How many of them were cut off.
let cutCount = 0;

export function startList(htmx) {
  document.addEventListener("click", (event) => {
    if (event.target.closest("#waiting")) {
      release(htmx);
      return;
    }
    const live = event.target.closest("#live");
    if (live) {
      const isPressed = live.getAttribute("aria-pressed") !== "true";
      live.setAttribute("aria-pressed", String(isPressed));
      if (isPressed && !isReading()) {
        letIn();
        htmx.trigger("#page", "refresh");
      }
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

// Whether the reader has stopped the list.
export function isPaused() {
  return document.querySelector("#live[aria-pressed=false]") !== null;
}

// Whether a page that was asked for leaves new rows out. Not once the reader has asked for them.
export function holdsRows() {
  const isHeld = !isReleased && (isPaused() || isReading());
  isReleased = false;
  return isHeld;
}

// Whether a change of the list would move what the reader is at.
function isReading() {
  const list = document.querySelector("[data-list]");
  if (!list) {
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

// A row that arrived: one that is on the screen changes in its place; any other comes first, or waits.
export function takeRow(row) {
  const shown = document.getElementById(row.id);
  if (shown) {
    row.toggleAttribute("data-arrived", shown.hasAttribute("data-arrived"));
    Idiomorph.morph(shown, row, { morphStyle: "outerHTML" });
    mark();
    return;
  }
  waiting.delete(row.id);
  waiting.set(row.id, row);
  if (waiting.size > ROWS_MAX) {
    waiting.delete(waiting.keys().next().value);
    cutCount += 1;
  }
  if (isPaused() || isReading()) {
    showWaiting(waiting.size + cutCount);
  } else {
    letIn();
  }
}

// How many new rows of a page that was asked for were left out; those that arrived by themselves wait as well.
export function showLeftOut(ids) {
  showWaiting(new Set([...waiting.keys(), ...ids]).size + cutCount);
}

function letIn() {
  const rows = document.querySelector(".log-rows");
  for (const row of waiting.values()) {
    document.getElementById(row.id)?.remove();
    // What is not among the newest by time, such as a record out of a spool, stays when the page is refreshed.
    row.dataset.arrived = "";
    rows?.prepend(row);
  }
  waiting.clear();
  cutCount = 0;
  while (rows?.childElementCount > ROWS_MAX) {
    rows.lastElementChild.remove();
  }
  showWaiting(0);
}

function showWaiting(count) {
  const button = document.getElementById("waiting");
  if (button) {
    button.hidden = count === 0;
    document.getElementById("waiting-count").textContent = String(count);
  }
}

function release(htmx) {
  letIn();
  isReleased = true;
  htmx.trigger("#page", "refresh");
  document.querySelector("[data-list]").scrollIntoView({ block: "start" });
}
