// How a refreshed page becomes the page on the screen: nodes stay, so focus, selection and scrolling stay too. What the reader
// did stays as well: an opened failure, a drawn chart. New failures wait while the reader is at the list.
import { Idiomorph } from "idiomorph/dist/idiomorph.esm.js";
import { isReading, showWaiting } from "./failures.js";
import { localizeTimes } from "./times.js";

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
  const isHeld = isReading();
  let waiting = 0;
  localizeTimes(fresh);
  Idiomorph.morph(target, fresh, {
    morphStyle: "outerHTML",
    callbacks: {
      beforeNodeAdded(node) {
        const waits = isHeld && isFailure(node);
        waiting += waits ? 1 : 0;
        return !waits;
      },
      // `data-kept` marks what only the browser knows: drawings, and rows of payloads.
      beforeNodeMorphed: (node) => !isKept(node),
      beforeNodeRemoved: (node) => !isKept(node) && !(isHeld && isFailure(node)),
      beforeAttributeUpdated: (name, node) => !(isKept(node) || BROWSERS_OWN.has(name)),
    },
  });
  showWaiting(waiting);
}

// Attributes that the server does not know: what the reader opened, and the height of a chart.
const BROWSERS_OWN = new Set(["aria-expanded", "open", "style"]);

function isFailure(node) {
  return node instanceof Element && node.matches(".failure");
}

function isKept(node) {
  return node instanceof Element && node.hasAttribute("data-kept");
}
