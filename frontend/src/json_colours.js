// Colours the JSON of payloads without touching it: the text stays one text node, the browser paints ranges of it (CSS Custom
// Highlight API). A browser that cannot do that shows plain text.
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g;
const KINDS = ["name", "text", "number", "word"];
// Painting more than this takes longer than reading it is worth.
const TOKENS_MAX = 5000;

export function colourJson(root) {
  if (!CSS.highlights) {
    return;
  }
  for (const kind of KINDS) {
    if (!CSS.highlights.has(`json-${kind}`)) {
      CSS.highlights.set(`json-${kind}`, new Highlight());
    }
  }
  for (const box of root.querySelectorAll("[data-json]")) {
    colour(box.firstChild);
  }
}

function colour(text) {
  let count = 0;
  for (const match of text.data.matchAll(TOKEN)) {
    const range = new StaticRange({
      startContainer: text,
      startOffset: match.index,
      endContainer: text,
      endOffset: match.index + (match[1] ?? match[0]).length,
    });
    CSS.highlights.get(`json-${kindOf(match)}`).add(range);
    count += 1;
    if (count === TOKENS_MAX) {
      return;
    }
  }
}

function kindOf([token, text, colon]) {
  if (text) {
    return colon ? "name" : "text";
  }
  return /\d/.test(token) ? "number" : "word";
}
