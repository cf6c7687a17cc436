// The dashboard's one script: htmx, and what the page does beyond it. Loaded deferred, so the document is there.
import htmx from "htmx.org";
import { startCharts } from "./charts.js";
import { startFailures } from "./failures.js";
import { startMorph } from "./morph.js";
import { startRefresh } from "./refresh.js";
import { localizeTimes } from "./times.js";

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
localizeTimes(document);
startCharts(htmx);
startFailures(htmx);
startRefresh(htmx);
