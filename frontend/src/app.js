// The dashboard's one script: htmx, and what the page does beyond it. Loaded deferred, so the document is there.
import htmx from "htmx.org";
import { startCharts } from "./charts.js";
import { startCopy } from "./copy.js";
import { startKeys } from "./keys.js";
import { startList } from "./list.js";
import { startMorph } from "./morph.js";
import { startPanel } from "./panel.js";
import { startRefresh } from "./refresh.js";
import { startTail } from "./tail.js";
import { startZone } from "./zone.js";

// The page's Content-Security-Policy allows neither eval nor inline styles; responses bring no scripts; payloads must not
// end up in the browser's storage.
Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  historyEnabled: false,
  selfRequestsOnly: true,
  timeout: 9000,
});

startMorph(htmx);
startCharts();
startCopy();
startPanel(htmx);
startList(htmx);
startKeys();
startRefresh(htmx);
startTail(htmx);
startZone();
// Of many services in a row the chosen one is seen.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
