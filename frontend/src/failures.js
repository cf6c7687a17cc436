// The list of failures: rows that open, and new ones that wait until nobody is reading.
import { colourJson } from "./json_colours.js";
import { localizeTimes } from "./times.js";

let isReleased = false;

export function startFailures(htmx) {
  document.addEventListener("click", (event) => {
    if (event.target.closest("#waiting")) {
      release(htmx);
      return;
    }
    const row = event.target.closest(".failure-row");
    // Selecting text in a row is no click on it.
    if (row && !event.target.closest("a") && document.getSelection().isCollapsed) {
      toggle(htmx, row.closest(".failure"));
    }
  });
  // An error's page is a sentence where the payloads would have been; opening the row again asks again.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.matches(".payloads") && event.detail.isError) {
      event.detail.shouldSwap = true;
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.matches(".payloads")) {
      event.detail.target.toggleAttribute("data-loaded", event.detail.xhr.status < 400);
      localizeTimes(event.detail.target);
      colourJson(event.detail.target);
    }
  });
  for (const failed of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failed, (event) => {
      if (event.detail.target?.matches(".payloads")) {
        event.detail.target.replaceChildren(document.getElementById("payloads-unreachable").content.cloneNode(true));
      }
    });
  }
}

// Whether a change of the list would move what the reader is at.
export function isReading() {
  const list = document.getElementById("failures");
  if (!list || isReleased) {
    isReleased = false;
    return false;
  }
  const selection = document.getSelection();
  return (
    list.matches(":hover") ||
    list.contains(document.activeElement) ||
    list.querySelector("[aria-expanded=true]") !== null ||
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
  document.getElementById("failures").scrollIntoView({ block: "start" });
}

function toggle(htmx, failure) {
  const button = failure.querySelector(".open");
  const opens = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(opens));
  const detail = failure.querySelector(".failure-detail");
  detail.hidden = !opens;
  if (opens && !detail.querySelector("[data-loaded]")) {
    htmx.trigger(button, "open");
  }
}
