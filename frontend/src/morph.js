// How a refreshed page becomes the page on the screen: nodes stay, so focus, selection and scrolling stay too. What the reader
// did stays as well: an opened table, a form half filled in, a drawn chart. New records wait while the reader is at the list.
import { Idiomorph } from "idiomorph/dist/idiomorph.esm.js";
import { holdsRows, showLeftOut } from "./list.js";
import { mark } from "./panel.js";

export function startMorph(htmx) {
  htmx.defineExtension("morph", {
    isInlineSwap: (style) => style === "morph",
    handleSwap(style, target, fragment) {
      const fresh = fragment.querySelector(`#${target.id}`);
      if (style === "morph" && fresh) {
        merge(target, fresh);
      }
      // Nothing else may replace the page: an answer without it is no refreshed page.
      return style === "morph" ? [target] : false;
    },
  });
}

function merge(target, fresh) {
  const isHeld = holdsRows();
  const leftOut = [];
  Idiomorph.morph(target, fresh, {
    morphStyle: "outerHTML",
    callbacks: {
      beforeNodeAdded(node) {
        const waits = isHeld && isRow(node);
        leftOut.push(...(waits ? [node.id] : []));
        return !waits;
      },
      // `data-kept` marks what only the browser knows: drawings, and rows of payloads.
      beforeNodeMorphed: (node) => !isKept(node),
      beforeNodeRemoved: (node) => !isKept(node) && !(isRow(node) && (isHeld || "arrived" in node.dataset)),
      beforeAttributeUpdated: (name, node) => !(isKept(node) || (BROWSERS_OWN.has(name) && node.tagName !== "A")),
    },
  });
  showLeftOut(leftOut);
  mark();
}

// Attributes that the server does not know of what is not a link: what the reader opened or chose, and the height of a chart.
const BROWSERS_OWN = new Set(["aria-current", "aria-pressed", "open", "style"]);

function isRow(node) {
  return node instanceof Element && node.matches("[data-row]");
}

function isKept(node) {
  return node instanceof Element && node.hasAttribute("data-kept");
}
