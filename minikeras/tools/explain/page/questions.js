// ==== Questions to begin with =====================================================================
//
// Each is answered by a cell of this very model: the link goes there.

/** `[question, name of an array, place, hint]`, for each question that this model can answer. */
function questions(book) {
  return [askWeight, askZero, askPadding, askGate, askNormalization, askOptimizer, askLoss]
    .map(ask => ask(book)).filter(Boolean);
}

/** The weight that this step moved most, and its array after the step. */
function mostMoved(book) {
  for (const { name, of: before, label } of book.nodes.flatMap(node => node.arrays)) {
    const after = book.arrays.get(name), old = book.arrays.get(before);
    if (label !== "w_new" || !after.data || !old?.data || after.shape.length < 2) continue;
    const changes = Array.from(after.data, (value, i) => Math.abs(value - old.data[i]));
    return { before, after: name, place: after.place(changes.indexOf(Math.max(...changes))) };
  }
  return null;
}

function askWeight(book) {
  const moved = mostMoved(book);
  return moved && ["Why did this weight move?", moved.before, moved.place,
    "Its gradient says in which direction the loss falls; the optimizer's step goes there."];
}

function askOptimizer(book) {
  const moved = mostMoved(book);
  return moved && [`What did ${book.model.optimizer ?? "the optimizer"} make of this gradient?`, moved.after, moved.place,
    "The lines of the step, from the gradient to the new weight."];
}

/** A gradient that is 0 though there is one from above: the activation lets nothing pass. */
function askZero(book) {
  for (const formula of book.formulas) {
    if (formula.phase !== "backward" || !formula.text.includes(" if ") || !book.isComplete(formula)) continue;
    const place = stopped(book, formula);
    if (place) {
      return ["Why is this gradient zero?", formula.array, place,
        "The panel names the factor that is 0, with the number that decides it."];
    }
  }
  return null;
}

/** A cell whose gradient a condition stops, though one comes from above; null if there is none. */
function stopped(book, formula) {
  const array = book.arrays.get(formula.array);
  for (let flat = 0; flat < Math.min(array.size, 2000); flat++) {
    if (array.data[flat] !== 0) continue;
    const { events } = derivation(book, formula.array, array.place(flat));
    const test = events.some(event => event.kind in COMPARISONS && !event.result);
    if (test && events[0].what === "cell" && events[0].value !== 0) return array.place(flat);
  }
  return null;
}

function askPadding(book) {
  for (const formula of book.formulas) {
    if (formula.phase !== "forward" || !["sum", "max"].some(word => formula.text.includes(`${word}(`)) || !book.isComplete(formula)) continue;
    const corner = formula.indices.map(() => 0), record = new Record();
    compute(formula, book.arrays, corner, float32, record);
    const padded = record.events.some(event => event.what === "loop" && event.terms.some(term => term.value === ABSENT));
    if (padded) {
      return ["Where does the padding enter this convolution?", formula.array, corner,
        "Hatched cells of the window lie outside of the input: their terms are left out."];
    }
  }
  return null;
}

function askGate(book) {
  for (const node of book.nodes.filter(n => /^(LSTM|GRU)$/.test(n.class))) {
    const gate = ["f", "forget", "r", "z", "i"].map(label => node.arrays.find(e => e.label === label && e.role === "inside")).find(Boolean);
    if (!gate || !book.arrays.get(gate.name).data) continue;
    const { shape } = book.arrays.get(gate.name), axis = Math.max(1, book.axesOf(gate).indexOf("t"));
    const place = shape.map((size, i) => i === axis ? Math.min(3, size - 1) : 0);
    return [`What does this ${node.class} gate do at step ${place[axis]}?`, gate.name, place,
      "How far the gate is open, what opened it, and what it multiplies."];
  }
  return null;
}

function askNormalization(book) {
  const node = book.nodes.find(n => /Normalization$/.test(n.class));
  const formula = node?.formulas.find(f => f.phase === "backward" && /\/(d_out|d_in)/.test(f.array) && book.isComplete(f));
  return formula && [`What does ${node.class} do to the gradient?`, formula.array, formula.indices.map(() => 0),
    "The formula takes away the gradient's mean and its part along the output."];
}

function askLoss(book) {
  const formula = book.byKey.get("loss")?.formulas.find(f => f.phase === "backward" && book.isComplete(f));
  return formula && ["Where does the gradient begin?", formula.array, formula.indices.map(() => 0),
    "With the loss: how it changes with what the model says."];
}
