// What the keyboard does: `/` search, `j` and `k` rows, `g` and a letter pages, `?` the list of keys. Keys of one letter can be switched
// off (WCAG 2.2, 2.1.4), and are when somebody types.
import { closePanel, isPanelOpen } from "./panel.js";

const SWITCH = "integration-monitor-keys";
const PAGES = ["o", "e", "l", "v", "t", "s"];
let isGoing = false;

export function startKeys() {
  const dialog = document.getElementById("keys");
  if (!dialog) {
    return;
  }
  const toggle = dialog.querySelector("[name=keys-on]");
  toggle.checked = localStorage.getItem(SWITCH) !== "off";
  toggle.addEventListener("change", () => localStorage.setItem(SWITCH, toggle.checked ? "on" : "off"));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) {
      dialog.showModal();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !dialog.open && isPanelOpen()) {
      closePanel();
      return;
    }
    if (toggle.checked && !dialog.open && !isTyping(event)) {
      press(event, dialog);
    }
  });
}

function press(event, dialog) {
  if (isGoing) {
    isGoing = false;
    document.querySelectorAll(".pages a")[PAGES.indexOf(event.key)]?.click();
    return;
  }
  const action = {
    "/": search,
    "?": () => dialog.showModal(),
    j: () => step(1),
    k: () => step(-1),
    g: () => {
      isGoing = true;
    },
  }[event.key];
  if (action) {
    event.preventDefault();
    action();
  }
}

function search() {
  const field = (isPanelOpen() && document.getElementById("payload-search")) || document.getElementById("search");
  if (field) {
    field.focus();
  } else {
    document.querySelectorAll(".pages a")[PAGES.indexOf("l")]?.click();
  }
}

function step(by) {
  const links = [...document.querySelectorAll("[data-row] .log-link")];
  const at = links.findIndex((link) => link === document.activeElement);
  links[at < 0 && by < 0 ? links.length - 1 : Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
}

function isTyping(event) {
  return event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select, [contenteditable]");
}
