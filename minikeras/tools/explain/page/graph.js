// ==== The graph of the model ======================================================================

const BOX = { width: 172, height: 42, across: 26, down: 24, margin: 18, lane: 9 };

function drawn(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Rows by the longest way from an input; columns so that a branch keeps its own. */
function layout(nodes) {
  const boxes = new Map(), taken = new Set(), continued = new Set();
  for (const node of nodes) {
    const before = node.inputs.map(key => boxes.get(key)).filter(Boolean);
    const level = Math.max(-1, ...before.map(box => box.level)) + 1;
    const parent = before.length ? before.reduce((a, b) => b.column < a.column ? b : a) : null;
    let column = parent ? parent.column + (continued.has(parent.node.key) && before.length === 1 ? 1 : 0) : 0;
    while (taken.has(`${level},${column}`)) column++;
    taken.add(`${level},${column}`);
    if (parent) continued.add(parent.node.key);
    boxes.set(node.key, { node, level, column });
  }
  for (const box of boxes.values()) {
    box.x = BOX.margin + box.column * (BOX.width + BOX.across);
    box.y = BOX.margin + box.level * (BOX.height + BOX.down);
  }
  return boxes;
}

/** An edge: straight down to the next row, around the right side where it skips rows. */
function edgePath(from, to, lane) {
  const x0 = from.x + BOX.width / 2, y0 = from.y + BOX.height, x1 = to.x + BOX.width / 2, y1 = to.y - 3;
  if (to.level - from.level === 1) {
    const middle = (y0 + y1) / 2;
    return `M${x0},${y0} C${x0},${middle} ${x1},${middle} ${x1},${y1}`;
  }
  const right = Math.max(from.x, to.x) + BOX.width, side = right + 8 + lane * BOX.lane;
  const a = from.y + BOX.height / 2, b = to.y + BOX.height / 2;
  return `M${from.x + BOX.width},${a} H${side - 8} Q${side},${a} ${side},${a + 8} V${b - 8} ` +
    `Q${side},${b} ${side - 8},${b} H${to.x + BOX.width + 4}`;
}

/** Boxes around the layers of nested models: a path of several parts names them. */
function nests(boxes) {
  const groups = new Map();
  for (const box of boxes.values()) {
    for (let depth = 1; depth < box.node.path.length; depth++) {
      const name = box.node.path.slice(0, depth).join("/");
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(box);
    }
  }
  return [...groups].map(([name, members]) => {
    const left = Math.min(...members.map(b => b.x)), right = Math.max(...members.map(b => b.x));
    const top = Math.min(...members.map(b => b.y)), bottom = Math.max(...members.map(b => b.y));
    return drawn("g", { class: "nest" },
      drawn("rect", { x: left - 8, y: top - 12, width: right - left + BOX.width + 16,
        height: bottom - top + BOX.height + 20, rx: 8 }),
      drawn("text", { x: left - 2, y: top - 3 }, name));
  });
}

const ruler = document.createElement("canvas").getContext("2d");

/** A text cut to a width in pixels. */
function shortened(text, font, width) {
  ruler.font = `${font} system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
  if (ruler.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && ruler.measureText(`${text.slice(0, length)}…`).width > width) length--;
  return `${text.slice(0, length)}…`;
}

/** Draw the graph; `choose` is called with the key of a layer. */
function drawGraph(book, choose) {
  const boxes = layout(book.nodes), edges = [], lanes = { count: 0 };
  for (const to of boxes.values()) {
    for (const key of to.node.inputs) {
      const from = boxes.get(key);
      if (!from) continue;
      const skips = to.level - from.level !== 1;
      const path = edgePath(from, to, skips ? lanes.count++ : 0);
      edges.push(drawn("path", { class: "edge", d: path, "marker-end": "url(#tip)",
        "data-from": key, "data-to": to.node.key }));
    }
  }
  const width = Math.max(...[...boxes.values()].map(b => b.x)) + BOX.width + BOX.margin + lanes.count * BOX.lane;
  const height = Math.max(...[...boxes.values()].map(b => b.y)) + BOX.height + BOX.margin;
  const tip = drawn("marker", { id: "tip", viewBox: "0 0 6 6", refX: 5, refY: 3, markerWidth: 8,
    markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, drawn("path", { d: "M0,0 L6,3 L0,6 z" }));
  return drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Layers" },
    drawn("defs", {}, tip), nests(boxes), edges,
    [...boxes.values()].map(box => nodeBox(book, box, choose)));
}

function nodeBox(book, { node, x, y }, choose) {
  const out = node.arrays.find(entry => entry.role === "output");
  const shape = out ? book.arrays.get(out.name).shape.join("×") || "a number" : "";
  const pick = event => {
    if (event.type === "keydown" && !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    choose(node.key);
  };
  const kind = shortened(`${node.class}  ${shape}`, "10.5px", BOX.width - 20);
  const name = node.path[node.path.length - 1] + (/#\d+$/.exec(node.key)?.[0] ?? "");
  return drawn("g", { class: "node", "data-key": node.key, role: "button", tabindex: 0,
    "aria-label": `${node.key}, ${node.class}, ${shape}`, transform: `translate(${x},${y})`,
    onclick: pick, onkeydown: pick },
  drawn("title", {}, `${node.key}: ${node.class}`),
  drawn("rect", { width: BOX.width, height: BOX.height, rx: 6 }),
  node.notes.length ? drawn("circle", { class: "hint", cx: BOX.width - 10, cy: 10, r: 3 }) : null,
  drawn("text", { class: "name", x: 10, y: 17 }, shortened(name, "600 12px", BOX.width - 28)),
  drawn("text", { class: "kind", x: 10, y: 33 }, kind));
}
