// ==== The document ================================================================================

/** The document with what is asked of it: arrays by name, who computes an array, who reads it. */
class Book {
  constructor(document) {
    Object.assign(this, document);
    this.stored = document.arrays;
    this.arrays = new Map(
      Object.entries(document.arrays).map(([name, entry]) => [name, new Values(name, entry)]));
    this.byKey = new Map(this.nodes.map(node => [node.key, node]));
    this.formulas = this.nodes.flatMap(
      node => node.formulas.map(formula => Object.assign(formula, { owner: node })));
    this.byArray = new Map();
    for (const formula of this.formulas) {
      if (!this.byArray.has(formula.array)) this.byArray.set(formula.array, formula);
    }
    this.inside = new Map([...this.byArray].filter(([name]) => !this.isRecorded(name)));
  }

  /** Whether the run wrote an array down: the others were computed from these for this page. */
  isRecorded(name) {
    const entry = this.entryOf(name);
    if (["input", "output", "weight"].includes(entry.role)) return true;
    return entry.of !== undefined && ["gradient", "step"].includes(entry.role) && this.isRecorded(entry.of);
  }

  /** The node that an array belongs to, and how the array is called there. */
  ownerOf(name) {
    const mine = node => name.startsWith(`${node.key}/`) && node.arrays.some(e => e.name === name);
    const any = node => node.arrays.some(entry => entry.name === name);
    return this.nodes.filter(mine).sort((a, b) => b.key.length - a.key.length)[0]
      ?? this.nodes.find(any);
  }

  entryOf(name) {
    return this.ownerOf(name).arrays.find(entry => entry.name === name);
  }

  /** How the node of a formula calls the formula's array. */
  labelOf({ array, owner }) {
    return (owner.arrays.find(entry => entry.name === array) ?? this.entryOf(array)).label;
  }

  /** The formula of an array, null if there is none or a number that it needs was left out. */
  formulaOf(name) {
    const formula = this.byArray.get(name);
    return formula && this.isComplete(formula) ? formula : null;
  }

  isComplete(formula) {
    const names = Object.values(formula.names).filter(value => typeof value === "string");
    return [formula.array, ...names].every(name => this.arrays.get(name)?.encoded !== undefined);
  }

  /** Arrays that are the gradient of an array, of the same shape. */
  gradientsOf(name) {
    const shape = String(this.arrays.get(name).shape);
    const entries = this.nodes.flatMap(node => node.arrays).filter(entry =>
      entry.of === name && entry.role === "gradient" &&
      String(this.arrays.get(entry.name).shape) === shape);
    return [...new Set(entries.map(entry => entry.name))];
  }

  /** The formulas that read a cell, each with the cells that do. */
  readersOf(name, place) {
    return this.formulas
      .filter(f => Object.values(f.names).includes(name) && this.isComplete(f))
      .map(formula => ({ formula, cells: readers(formula, this.arrays, name, place) }))
      .filter(({ cells }) => cells.length);
  }

  /** What an axis of an array is called: by the array itself, or by a formula that reads it. */
  axesOf(entry) {
    const { shape } = this.arrays.get(entry.name);
    if (entry.role === "step") return this.axesOf(this.entryOf(this.weightOf(entry)));
    if (entry.axes?.length === shape.length) return entry.axes;
    for (const formula of this.formulas) {
      for (const { name, indices } of mentions(formula.node)) {
        const simple = indices.length === shape.length && indices.every(i => typeof i === "string");
        if (simple && formula.names[name] === entry.name) return indices;
      }
    }
    return shape.map((_, axis) => `axis ${axis}`);
  }

  /** The weight that a line of the optimizer's step is about. */
  weightOf(entry) {
    if (entry.of) return entry.of;
    const weights = this.ownerOf(entry.name).arrays.filter(other => other.role === "weight");
    const mine = weights.map(other => other.name).filter(name => entry.name.startsWith(name));
    return mine.sort((a, b) => b.length - a.length)[0] ?? weights[0].name;
  }

  /** The stored arrays as they were at a step of the training. */
  turnTo(step) {
    for (const node of this.nodes) {
      node.firstNotes ??= node.notes;
      node.notes = step.notes?.[node.key] ?? node.firstNotes;
    }
    for (const formula of this.formulas) {
      formula.firstNames ??= formula.names;
      formula.names = step.names?.[formula.array] ?? formula.firstNames;
    }
    for (const [name, entry] of Object.entries({ ...this.stored, ...step.arrays })) {
      this.arrays.set(name, new Values(name, entry));
    }
  }
}

// ==== One cell in lines of text: what `minikeras explain --at` prints =============================

const MOST_TERMS = 12, MOST_CELLS = 4;

/** Listens to a walk in float32 and keeps what happens, in order. */
class Record {
  constructor() {
    this.events = [];
  }

  operation(kind, values, result, whole) {
    this.events.push({ what: "operation", kind, values, result, whole });
  }

  call(name, values, result, whole) {
    this.events.push({ what: "call", name, values, result, whole });
  }

  cell(name, array, place, flat) {
    this.events.push({ what: "cell", name, array, place, value: array.data[flat] });
  }

  number(name, value, whole) {
    this.events.push({ what: "number", name, value, whole });
  }

  loop(kind, terms, result, whole, loops) {
    this.events.push({ what: "loop", kind, terms, result, whole, loops });
  }
}

/** How one cell follows from others, null without a formula. */
function derivation(book, name, place) {
  const formula = book.formulaOf(name);
  if (!formula) return null;
  const record = new Record();
  const narrow = compute(formula, book.arrays, place, float32, record);
  const wide = compute(formula, book.arrays, place, float64);
  const stored = book.arrays.get(name).at(place);
  const { events } = record;
  return { formula, events, narrow, wide, stored, steps: apart(narrow, stored) };
}

/** The lines on one cell. */
function textOf(book, name, place) {
  const array = book.arrays.get(name);
  const lines = [`${name}${at(place)} = ${printed(array.at(place), DIGITS, array.whole)}`];
  const known = derivation(book, name, place);
  if (known) lines.push(...derivationLines(book, name, place, known));
  for (const { formula, cells } of book.readersOf(name, place)) {
    const some = cells.slice(0, MOST_CELLS).map(at).map(text => text || "[]").join(", ");
    const more = cells.length > MOST_CELLS ? ", ..." : "";
    const count = `${cells.length} ${cells.length === 1 ? "cell" : "cells"}`;
    lines.push(`read by ${formula.array} in ${count}: ${some}${more}`);
  }
  for (const gradient of book.gradientsOf(name)) {
    lines.push(`gradient ${gradient}${at(place)} = ${printed(book.arrays.get(gradient).at(place))}`);
  }
  return lines;
}

function derivationLines(book, name, place, { formula, events, narrow, wide, stored, steps }) {
  const label = book.labelOf(formula), lines = [];
  const indices = formula.indices.length ? `[${formula.indices.join(", ")}]` : "";
  lines.push(`${label}${indices} = ${formula.text}`);
  if (indices) lines.push(formula.indices.map((index, axis) => `${index} = ${place[axis]}`).join(", "));
  for (const event of events) lines.push(...LINES[event.what](event));
  lines.push(`recomputed ${printed(narrow, DIGITS_FLOAT32)} stored ${printed(stored, DIGITS_FLOAT32)} ` +
    `float64 ${printed(wide, DIGITS_FLOAT64)} apart ${steps} ulp`);
  return lines;
}

function all(values, whole) {
  return values.map((value, i) => printed(value, DIGITS, whole?.[i]));
}

const LINES = {
  operation({ kind, values, result, whole }) {
    const [a, b] = all(values, whole);
    if (kind === "neg") return [`-(${a}) = ${printed(result, DIGITS, whole[0])}`];
    if (kind in COMPARISONS) return [`${a} ${kind} ${b} ${result ? "holds" : "does not hold"}`];
    return [`${a} ${kind} ${b} = ${printed(result)}`];
  },
  call: ({ name, values, result, whole }) =>
    [`${name}(${all(values, whole).join(", ")}) = ${printed(result)}`],
  cell: ({ name, array, place, value }) =>
    [`${name}${at(place)} = ${printed(value, DIGITS, array.whole)}`],
  number: ({ name, value, whole }) => [`${name} = ${printed(value, DIGITS, whole)}`],
  loop(event) {
    const { kind, terms, result, whole } = event, { present, shown, rest } = chosenTerms(event);
    const missing = terms.length - present.length;
    const count = `${terms.length} ${terms.length === 1 ? "term" : "terms"}`;
    const padding = missing ? `, ${present.length} present and ${missing} in the padding` : "";
    const lines = [`${kind} of ${count}${padding}`, ...shown.map(term => `  ${termLine(term, whole)}`)];
    if (rest.length) {
      const sum = kind === "max" ? "" : ` -> ${printed(restOf(rest))}`;
      lines.push(`  and ${rest.length} smaller ones${sum}`);
    }
    return [...lines, `  ${kind} -> ${resultOf(event, present)}`];
  },
};

function resultOf({ kind, result, whole }, present) {
  if (result === ABSENT) return "absent";
  return printed(result, DIGITS, whole && (kind === "max" || present.length === 1));
}

/** The terms that are listed: those of largest size, where there are many. */
function chosenTerms({ terms }) {
  const present = terms.filter(term => term.value !== ABSENT);
  if (present.length <= MOST_TERMS) return { present, shown: present, rest: [] };
  const falling = [...present].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const shown = falling.slice(0, MOST_TERMS), listed = new Set(shown);
  return { present, shown, rest: present.filter(term => !listed.has(term)) };
}

function restOf(terms) {
  return terms.map(term => term.value).reduce((a, b) => Math.fround(a + b));
}

function termLine({ at: where, cells, value }, whole) {
  const variables = where.map(([name, index]) => `${name} = ${index}`).join(", ");
  const named = cells.map(({ name, array, place, flat }) =>
    `${name}${at(place)} = ${printed(array.data[flat], DIGITS, array.whole)}`).join(", ");
  const listed = cells.length && cells.length <= MOST_CELLS ? `: ${named}` : "";
  return `${variables}${listed} -> ${printed(value, DIGITS, whole)}`;
}
