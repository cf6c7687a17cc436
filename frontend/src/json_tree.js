// Payloads as trees that open and close: a stranger's JSON, always as text nodes. What is no whole JSON stays as it is.
// Branches are built when they are opened, so that a large payload costs nothing until somebody looks.
const DEPTH_OPEN = 2;
// A branch with more is opened by hand.
const CHILDREN_OPEN = 40;
const TEXT_SHOWN = 4000;
const FOUND_MAX = 500;
// The same as `visible` in server/pages/formats.py: what turns or hides a line without being seen.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const trees = new WeakMap();

export function growTrees(root) {
  for (const box of root.querySelectorAll("pre[data-json]")) {
    grow(box);
  }
}

function grow(box) {
  let value;
  try {
    value = JSON.parse(box.textContent);
  } catch {
    return;
  }
  const tree = element("div", "tree");
  for (const name of ["tabindex", "role", "aria-label"]) {
    tree.setAttribute(name, box.getAttribute(name));
  }
  box.closest(".payload").dataset.text = box.textContent;
  const node = build(null, value, 0);
  tree.append(node.place);
  trees.set(tree, node);
  box.replaceWith(tree);
}

function build(key, value, depth) {
  return value !== null && typeof value === "object" ? branch(key, value, depth) : leaf(key, value);
}

function leaf(key, value) {
  const place = element("div", "leaf");
  addKey(place, key);
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  const shown = element("span", `json-${value === null ? "word" : { string: "text", number: "number", boolean: "word" }[typeof value]}`);
  shown.textContent = visible(text.slice(0, TEXT_SHOWN));
  place.append(shown);
  if (text.length > TEXT_SHOWN) {
    const more = element("button", "more-text");
    more.type = "button";
    more.textContent = `… +${text.length - TEXT_SHOWN}`;
    more.addEventListener("click", () => {
      shown.textContent = visible(text);
      more.remove();
    });
    place.append(more);
  }
  return { place, text: text.toLowerCase(), key, shown };
}

function branch(key, value, depth) {
  const entries = Array.isArray(value) ? value.map((each, index) => [index, each]) : Object.entries(value);
  const place = element("details", "branch");
  const head = element("summary");
  addKey(head, key);
  const size = element("span", "json-size");
  size.textContent = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  head.append(size);
  place.append(head);
  const node = { place, key, entries, depth, children: null };
  if (depth < DEPTH_OPEN && entries.length <= CHILDREN_OPEN) {
    fill(node);
    place.open = true;
  }
  place.addEventListener("toggle", () => place.open && fill(node));
  return node;
}

function fill(node) {
  if (node.children === null) {
    node.children = node.entries.map(([key, value]) => build(key, value, node.depth + 1));
    const box = element("div", "children");
    box.append(...node.children.map((child) => child.place));
    node.place.append(box);
  }
}

function addKey(place, key) {
  if (key !== null) {
    const name = element("span", typeof key === "number" ? "json-index" : "json-name");
    name.textContent = visible(String(key));
    place.append(name, ": ");
  }
}

// Opens every branch that holds the words, paints them, and gives how many there are (up to FOUND_MAX).
export function searchTrees(root, words) {
  const wanted = words.trim().toLowerCase();
  const found = [];
  for (const tree of root.querySelectorAll(".tree")) {
    if (wanted) {
      look(trees.get(tree), wanted, found);
    }
  }
  for (const box of wanted ? root.querySelectorAll("pre[data-json]") : []) {
    lookInText(box, wanted, found);
  }
  CSS.highlights?.set("found", new Highlight(...found));
  found[0]?.startContainer.parentElement.scrollIntoView({ block: "nearest" });
  return found.length;
}

function look(node, wanted, found) {
  if (found.length >= FOUND_MAX) {
    return false;
  }
  let isHere = paint(node.place.querySelector(":scope > .json-name, :scope > summary > .json-name"), wanted, found);
  if (node.entries) {
    const holds = node.entries.some(([key, value]) => JSON.stringify([key, value]).toLowerCase().includes(wanted));
    if (holds) {
      fill(node);
      node.place.open = true;
      for (const child of node.children) {
        isHere = look(child, wanted, found) || isHere;
      }
    }
  } else {
    isHere = paint(node.shown, wanted, found) || isHere;
  }
  return isHere;
}

function paint(place, wanted, found) {
  const at = place ? place.textContent.toLowerCase().indexOf(wanted) : -1;
  if (at < 0) {
    return false;
  }
  found.push(rangeOf(place.firstChild, at, wanted.length));
  return true;
}

function lookInText(box, wanted, found) {
  const text = box.textContent.toLowerCase();
  for (let at = text.indexOf(wanted); at >= 0 && found.length < FOUND_MAX; at = text.indexOf(wanted, at + wanted.length)) {
    found.push(rangeOf(box.firstChild, at, wanted.length));
  }
}

function rangeOf(node, start, length) {
  const range = new Range();
  range.setStart(node, start);
  range.setEnd(node, Math.min(start + length, node.data.length));
  return range;
}

function element(name, className = "") {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

function visible(text) {
  return text.replace(INVISIBLE, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
