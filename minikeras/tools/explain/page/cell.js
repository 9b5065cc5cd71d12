// ==== One cell: where it comes from, and where it goes ============================================

/** What the panel at the right says on a cell. `link` makes a link to another cell. */
class CellPanel {
  constructor(book, proof, link) {
    Object.assign(this, { book, proof, link });
  }

  show(name, place) {
    const { book } = this, array = book.arrays.get(name), entry = book.entryOf(name);
    if (array.encoded === undefined) {
      return [element("p", {}, `${name} was left out: ${array.leftOut}.`)];
    }
    const known = derivation(book, name, place);
    return [
      this.head(name, place, known ? book.labelOf(known.formula) : entry.label, array),
      ...(known ? this.derived(name, place, known) : [this.given(name, entry)]),
      this.gradient(name, place),
      this.moved(name, place, entry),
      this.goes(name, place),
      this.asText(name, place),
    ];
  }

  head(name, place, label, array) {
    const indices = place.length ? separated(place.map(number)) : null;
    return element("header", { class: "cell-head" },
      element("p", { class: "where" }, name + at(place)),
      element("p", { class: "value" }, math("math", row(nameOf(label, indices), sign("="))),
        element("strong", {}, printed(array.at(place), DIGITS, array.whole))));
  }

  /** Cells without a formula: inputs, weights, what has no view. */
  given(name, entry) {
    const node = this.book.ownerOf(name);
    const reasons = {
      weight: "A weight: training chose it. Below is what this step makes of it.",
      input: "Part of what the model is given.",
      step: "What the optimizer remembers from the steps before.",
      gradient: "A gradient of the loss, as the backward pass recorded it.",
    };
    const input = node.inputs.length === 0 && entry.role === "output";
    return element("p", {}, input ? reasons.input : reasons[entry.role] ?? "As the run recorded it; no formula is shown for it.");
  }

  derived(name, place, known) {
    const { formula, events } = known;
    return [
      formula.says ? element("p", { class: "says" }, sentence(formula.says)) : null,
      formulaElement(this.book.labelOf(formula), formula),
      this.legend(formula),
      this.zero(known),
      element("div", { class: "events" }, events.map(event => this.event(event))),
      this.compared(name, place, known),
    ];
  }

  /** What the names in a formula stand for. */
  legend(formula) {
    const items = Object.entries(formula.names).map(([local, value]) => element("li", {},
      math("math", nameOf(local)),
      typeof value === "number" ? ` = ${printed(value, DIGITS, Number.isInteger(value))}` : ` ${value}`));
    return element("ul", { class: "legend" }, items);
  }

  /** Why a number is 0, where one factor or the padding says it. */
  zero({ formula, events, stored }) {
    if (stored !== 0) return null;
    const last = events[events.length - 1];
    if (!last) return null;
    const test = events.findLast(event => event.what === "operation" && event.kind in COMPARISONS && !event.result);
    if (last.what === "operation" && last.kind === "*" && test) {
      return element("p", { class: "why" }, `It is 0 because ${all(test.values, test.whole).join(` ${test.kind} `)} does not hold: nothing passes here.`);
    }
    if (last.what === "operation" && last.kind === "*") {
      const none = events.filter(event => event.what === "cell" && event.value === 0);
      const links = none.map(cell => this.link(cell.array.name, cell.place, cell.name + at(cell.place)));
      return element("p", { class: "why" }, "It is 0 because ", links.length ? separatedBy(links, " and ") : "one factor", " is 0.");
    }
    if (last.what === "call" && last.name === "relu") {
      return element("p", { class: "why" }, `It is 0 because ${printed(last.values[0])} is not above 0.`);
    }
    if (last.what !== "loop") return null;
    const there = last.terms.filter(term => term.value !== ABSENT);
    if (!there.length) return element("p", { class: "why" }, "It is 0 because nothing that the loss depends on reads it.");
    if (there.some(term => term.value !== 0)) return null;
    const none = there[0].cells.map((_, k) => there.every(term => term.cells[k]?.array.data[term.cells[k].flat] === 0));
    const which = there[0].cells.filter((_, k) => none[k]).map(cell => cell.name);
    return element("p", { class: "why" }, which.length
      ? `It is 0 because ${which.join(" and ")} is 0 in each of the ${there.length} terms.`
      : `It is 0 because each of the ${there.length} terms has a factor that is 0.`);
  }

  event(event) {
    if (event.what === "loop") return this.loop(event);
    const [line] = LINES[event.what](event);
    const cut = line.lastIndexOf(" = ");
    const parts = cut < 0 ? [line, ""] : [line.slice(0, cut), line.slice(cut + 3)];
    const label = event.what === "cell"
      ? this.link(event.array.name, event.place, parts[0]) : element("span", {}, parts[0]);
    return element("p", { class: "line" }, label, element("b", {}, parts[1]));
  }

  loop(event) {
    const { present, shown, rest } = chosenTerms(event), missing = event.terms.length - present.length;
    const [head] = LINES.loop(event), last = LINES.loop(event).at(-1);
    return element("section", { class: "loop" },
      element("h3", {}, head),
      this.windows(event),
      missing ? element("p", { class: "note" }, "Hatched: padding. Such terms do not exist.") : null,
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Terms" }, this.terms(event, shown, rest)),
      element("p", { class: "line total" }, element("span", {}, event.kind === "max" ? "largest" : "sum"),
        element("b", {}, last.slice(last.lastIndexOf("->") + 3))));
  }

  terms({ terms, whole, kind }, shown, rest) {
    const first = shown[0];
    if (!first) return null;
    const few = first.cells.length <= MOST_CELLS ? first.cells : [];
    const heading = [...first.at.map(([name]) => name), ...few.map(cell => cell.name), "term"];
    const lines = shown.map(term => element("tr", {},
      term.at.map(([, index]) => element("td", { class: "index" }, String(index))),
      few.map((_, k) => element("td", {}, term.cells[k] ? this.cellLink(term.cells[k]) : "")),
      element("td", { class: "product" }, printed(term.value, DIGITS, whole))));
    if (rest.length) {
      lines.push(element("tr", { class: "rest" }, element("td", { colspan: heading.length - 1 }, `and ${rest.length} smaller ones`),
        element("td", { class: "product" }, kind === "max" ? "" : printed(restOf(rest)))));
    }
    return element("table", { class: "terms numbers" },
      element("thead", {}, element("tr", {}, heading.map(text => element("th", { scope: "col" }, text)))),
      element("tbody", {}, lines));
  }

  cellLink({ array, place, flat, outside }) {
    return outside ? "" : this.link(array.name, place, printed(array.data[flat], DIGITS, array.whole));
  }

  /** The window, the kernel and their products as pictures, one for each factor. */
  windows({ terms, kind }) {
    const [first] = terms;
    if (!first || terms.length > 800 || terms.length < 2) return null;
    const count = Math.max(...terms.map(term => term.cells.length));
    if (!count || count > 2) return null;
    const long = first.at.map(([name], axis) => ({ name, axis, size: 1 + Math.max(...terms.map(t => t.at[axis][1])) - Math.min(...terms.map(t => t.at[axis][1])) }))
      .filter(loop => loop.size > 1);
    if (long.length < 2) return null;
    const names = terms.find(term => term.cells.length === count).cells.map(cell => cell.name);
    const pictures = names.map((name, k) => this.window(name, terms, long, term => {
      const cell = term.cells[k];
      return !cell || cell.outside ? null : cell.array.data[cell.flat];
    }));
    if (count > 1) pictures.push(this.window("product", terms, long, term => term.value === ABSENT ? null : term.value));
    const between = kind === "max" ? [] : ["×", "="];
    return element("div", { class: "windows" }, pictures.flatMap((picture, i) => i && between[i - 1]
      ? [element("span", { class: "between", "aria-hidden": "true" }, between[i - 1]), picture] : [picture]));
  }

  window(name, terms, loops, value) {
    const [rows, columns, pages] = [loops[0], loops[1], loops[2]];
    const from = axis => Math.min(...terms.map(term => term.at[axis][1]));
    const places = terms.map(term => ({ value: value(term),
      row: term.at[rows.axis][1] - from(rows.axis), column: term.at[columns.axis][1] - from(columns.axis),
      page: pages ? term.at[pages.axis][1] - from(pages.axis) : 0 }));
    const shown = pages ? Math.min(pages.size, 3) : 1, side = Math.max(5, Math.min(22, Math.floor(84 / columns.size)));
    const most = Math.max(...places.map(p => Number.isFinite(p.value) ? Math.abs(p.value) : 0)) || 1;
    const width = columns.size * side, height = rows.size * side;
    const cells = places.filter(p => p.page < shown).map(p => {
      const box = { x: p.column * side, y: p.row * side + p.page * (height + 6), width: side - 1, height: side - 1 };
      return p.value === null ? drawn("rect", { ...box, class: "padding", fill: "url(#hatch)" })
        : drawn("rect", { ...box, fill: `rgb(${tint(p.value / most)})` },
          drawn("title", {}, `${name}: ${printed(p.value)}`));
    });
    const hatch = drawn("defs", {}, drawn("pattern", { id: "hatch", width: 4, height: 4, patternUnits: "userSpaceOnUse" },
      drawn("path", { d: "M0,4 L4,0", class: "hatching" })));
    return element("div", { class: "window" }, drawn("svg", { width, height: shown * (height + 6) - 6, role: "img",
      "aria-label": `${name} in the window` }, hatch, cells),
    element("span", {}, name, pages && pages.size > shown ? ` (${pages.name} = 0 … ${shown - 1})` : ""));
  }

  compared(name, place, { formula, narrow, wide, stored, steps }) {
    const { bound, right } = this.proof.cell(formula, place);
    const rows = [
      ["computed here, float32", printed(narrow, DIGITS_FLOAT32)],
      [this.book.isRecorded(name) ? "stored: what minikeras computed" : "stored: from what minikeras computed", printed(stored, DIGITS_FLOAT32)],
      ["computed here, float64", printed(wide, DIGITS_FLOAT64)],
    ];
    const verdict = right ? "within" : "beyond", difference = Math.abs(wide - stored);
    const said = difference === 0 ? "stored and float64 are equal."
      : `stored and float64 differ by ${printed(difference, 2)}, ${verdict} the bound of rounding, ${printed(bound, 2)}.`;
    return element("section", { class: "compared" },
      element("h3", {}, "Computed again"),
      element("table", { class: "numbers" }, element("tbody", {}, rows.map(([label, value]) =>
        element("tr", {}, element("th", { scope: "row" }, label), element("td", {}, value))))),
      element("p", { class: `verdict ${verdict}` }, `${steps} ulp apart; ${said}`));
  }

  gradient(name, place) {
    const { book } = this;
    const parts = book.gradientsOf(name).map(gradient => {
      const formula = book.formulaOf(gradient), value = book.arrays.get(gradient).data ? book.arrays.get(gradient).at(place) : NaN;
      return [
        element("p", { class: "line" }, this.link(gradient, place, gradient + at(place)), element("b", {}, printed(value))),
        element("p", { class: "note" }, effect(value), formula?.says ? ` ${sentence(formula.says)}` : ""),
        formula ? element("p", { class: "note" }, "From ", ...this.mainTerms(gradient, place)) : null,
      ];
    });
    return parts.length ? element("section", {}, element("h3", {}, "The gradient that it received"), parts) : null;
  }

  /** The cells that a gradient is made of: the largest terms. */
  mainTerms(name, place) {
    const { events } = derivation(this.book, name, place);
    const loops = events.filter(event => event.what === "loop");
    const cells = loops.length
      ? chosenTerms(loops[loops.length - 1]).shown.slice(0, 3).sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).map(term => this.gradientIn(term)).filter(cell => cell && !cell.outside)
      : events.filter(event => event.what === "cell").slice(0, 3);
    if (!cells.length) return ["nothing: no cell that the loss depends on reads it."];
    const links = cells.map(({ array, place: there }) => this.link(array.name, there, array.name + at(there)));
    return separatedBy(links, ", ").concat(loops.length ? " and others, the largest first." : ".");
  }

  /** The factor of a term that is a gradient itself, else the first one. */
  gradientIn({ cells }) {
    return cells.find(cell => this.book.entryOf(cell.array.name).role === "gradient") ?? cells[0];
  }

  /** What the optimizer's step made of a weight. */
  moved(name, place, entry) {
    if (entry.role !== "weight") return null;
    const { book } = this, steps = book.nodes.flatMap(node => node.arrays)
      .filter(other => other.of === name && other.role === "step" && book.arrays.get(other.name).data);
    const after = steps.find(other => other.label === "w_new");
    if (!after) return null;
    const formulas = new Set(book.formulas.filter(f => f.phase === "step").filter(f => f.array === after.name).flatMap(f => Object.values(f.names)));
    const hats = book.ownerOf(name).arrays.filter(other => other.role === "step" && formulas.has(other.name) && !steps.includes(other));
    const gradient = book.gradientsOf(name)[0];
    const rows = [["w", name], ...(gradient ? [["g", gradient]] : []), ...[...steps.filter(s => s !== after), ...hats].map(e => [e.label, e.name]), ["w_new", after.name]]
      .filter(([, array]) => book.arrays.get(array).flat(place) >= 0)
      .map(([label, array]) => element("tr", {}, element("th", { scope: "row" }, math("math", nameOf(label))),
        element("td", {}, this.link(array, place, printed(book.arrays.get(array).at(place), 6)))));
    const before = book.arrays.get(name).at(place), change = book.arrays.get(after.name).at(place) - before;
    const g = gradient ? book.arrays.get(gradient).at(place) : 0;
    const why = change === 0 ? "It did not move." : Math.sign(change) === -Math.sign(g)
      ? "It moved against its gradient, so that the loss falls." : "It moved with what the steps before remember, against this gradient's direction.";
    return element("section", { class: "moved" }, element("h3", {}, "The optimizer's step"),
      element("table", { class: "numbers" }, element("tbody", {}, rows, element("tr", { class: "change" },
        element("th", { scope: "row" }, "change"), element("td", {}, printed(change))))),
      element("p", { class: "note" }, why));
  }

  goes(name, place) {
    const found = this.book.readersOf(name, place);
    if (!found.length) return null;
    return element("section", {}, element("h3", {}, "Where it goes"), found.map(({ formula, cells }) =>
      element("p", { class: "note" }, `${PASS[formula.phase]}: ${formula.array}, ${cells.length} ${cells.length === 1 ? "cell" : "cells"}: `,
        cells.slice(0, 4).flatMap((cell, i) => [i ? ", " : "", this.link(formula.array, cell, at(cell) || formula.array)]), cells.length > 4 ? ", …" : "")));
  }

  asText(name, place) {
    return element("details", { class: "as-text" }, element("summary", {}, "As text"),
      element("pre", { tabindex: 0, "aria-label": "This cell as text" }, textOf(this.book, name, place).join("\n")));
  }
}

const PASS = { forward: "forward", backward: "backward", step: "in the step" };

function separatedBy(parts, between) {
  return parts.flatMap((part, i) => i ? [between, part] : [part]);
}

function sentence(text) {
  return text ? `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}` : "";
}

/** What a gradient says. */
function effect(value) {
  if (value === 0) return "A small change here does not change the loss.";
  return `If this number grows by 0.001, the loss ${value > 0 ? "grows" : "falls"} by about ${printed(Math.abs(value) * 1e-3, 2)}.`;
}
