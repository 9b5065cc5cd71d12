// ==== Formulas ====================================================================================
//
// A formula is a tree of lists: a number, a name, or a list whose first item says what the others
// are. One walk through the tree serves three kinds of arithmetic: float32, where each result is
// rounded; float64; and float64 with a bound of what float32 may have lost.

const ABSENT = Symbol("a cell outside its array");
const COMPARISONS = {
  "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b,
  ">=": (a, b) => a >= b, "==": (a, b) => a === b, "!=": (a, b) => a !== b,
};
const OPERATIONS = {
  "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b,
  "//": (a, b) => Math.floor(a / b), "%": (a, b) => a - Math.floor(a / b) * b,
  "**": (a, b) => a ** b,
};
const FUNCTIONS = {
  abs: Math.abs, cos: Math.cos, erf, exp: Math.exp, expm1: Math.expm1, floor: Math.floor,
  log: Math.log, log1p: Math.log1p, maximum: Math.max, minimum: Math.min,
  relu: a => Math.max(a, 0), sigmoid: a => 1 / (1 + Math.exp(-a)), sin: Math.sin,
  softplus: a => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))), sqrt: Math.sqrt,
  tanh: Math.tanh,
};

/** The error function: exp(-x^2) 2/sqrt(pi) * (x + 2 x^3 / 3 + 4 x^5 / (3 * 5) + ...). */
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x, sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}

// ---- Arithmetic ----------------------------------------------------------------------------------

const plain = {
  number: value => value,
  cell: (array, flat) => array.data[flat],
  valueOf: number => number,
  compare: (kind, a, b) => COMPARISONS[kind](a, b),
  negate: a => -a,
};

function summed(values, add) {
  return values.length ? values.reduce(add) : 0;
}

function largestOf(values) {
  return values.length ? values.reduce((a, b) => b > a ? b : a) : ABSENT;
}

const float64 = {
  ...plain,
  operate: (kind, a, b) => OPERATIONS[kind](a, b),
  call: (name, values) => FUNCTIONS[name](...values),
  join: (kind, values) => kind === "max" ? largestOf(values) : summed(values, (a, b) => a + b),
};

const float32 = {
  ...plain,
  operate: (kind, a, b) => Math.fround(OPERATIONS[kind](a, b)),
  call: (name, values) => Math.fround(FUNCTIONS[name](...values)),
  join: (kind, values) =>
    kind === "max" ? largestOf(values) : summed(values, (a, b) => Math.fround(a + b)),
};

// ---- The walk ------------------------------------------------------------------------------------

/** One walk through a formula. `listener` hears of what happens outside of sums, and of the sums;
 *  in between, `cells` are those of the term that is being computed. */
class Walk {
  constructor(formula, arrays, arithmetic, listener = null) {
    Object.assign(this, { names: formula.names, arrays, arithmetic, listener });
    this.cells = null;
  }

  /** The value of a tree, or ABSENT. `scope` holds the index variables. */
  value(tree, scope) {
    if (typeof tree === "number") return this.arithmetic.number(tree);
    if (typeof tree === "string") return this.named(tree, scope);
    const [kind, ...parts] = tree;
    if (kind in OPERATIONS || kind in COMPARISONS) return this.operation(tree, scope);
    return this[kind](tree, parts, scope);
  }

  named(name, scope) {
    if (name in scope) return this.arithmetic.number(scope[name]);
    const value = this.names[name];
    this.tell("number", name, value, tellsWhole(value));
    return this.arithmetic.number(value);
  }

  /** Tell the listener, unless this happens inside a sum. */
  tell(what, ...details) {
    if (this.listener && this.cells === null) this.listener[what]?.(...details);
  }

  operation(tree, scope) {
    const [kind, left, right] = tree;
    if (isIndex(tree, scope)) {
      return this.arithmetic.number(this.index(tree, scope));
    }
    const a = this.value(left, scope), b = this.value(right, scope);
    if (a === ABSENT || b === ABSENT) return ABSENT;
    const compares = kind in COMPARISONS;
    const result = compares
      ? this.arithmetic.compare(kind, a, b) : this.arithmetic.operate(kind, a, b);
    this.tell("operation", kind, [a, b], result, [left, right].map(t => this.isWhole(t, scope)));
    return result;
  }

  /** The value of an index: nothing is rounded, and nobody hears of it. */
  index(tree, scope) {
    if (typeof tree === "number") return tree;
    if (typeof tree === "string") return tree in scope ? scope[tree] : this.names[tree];
    const [kind, left, right] = tree;
    if (kind === "neg") return -this.index(left, scope);
    if (kind in OPERATIONS || kind in COMPARISONS) {
      const a = this.index(left, scope), b = this.index(right, scope);
      if (a === ABSENT || b === ABSENT) return ABSENT;
      return (OPERATIONS[kind] ?? COMPARISONS[kind])(a, b);
    }
    return new Walk({ names: this.names }, this.arrays, float64).value(tree, scope);
  }

  neg(tree, [part], scope) {
    const value = this.value(part, scope);
    if (value === ABSENT) return ABSENT;
    const result = this.arithmetic.negate(value);
    if (!isIndex(tree, scope)) {
      this.tell("operation", "neg", [value], result, [this.isWhole(part, scope)]);
    }
    return result;
  }

  not(tree, [part], scope) {
    const value = this.value(part, scope);
    return value === ABSENT ? ABSENT : !this.arithmetic.valueOf(value);
  }

  and(tree, parts, scope) {
    const values = parts.map(part => this.value(part, scope));
    return values.includes(ABSENT) ? ABSENT : values.every(v => this.arithmetic.valueOf(v));
  }

  or(tree, parts, scope) {
    const values = parts.map(part => this.value(part, scope));
    return values.includes(ABSENT) ? ABSENT : values.some(v => this.arithmetic.valueOf(v));
  }

  if(tree, [condition, yes, no], scope) {
    const test = this.value(condition, scope);
    if (test === ABSENT) return ABSENT;
    return this.value(this.arithmetic.valueOf(test) ? yes : no, scope);
  }

  call(tree, [name, ...parts], scope) {
    const values = parts.map(part => this.value(part, scope));
    if (values.includes(ABSENT)) return ABSENT;
    const result = this.arithmetic.call(name, values);
    this.tell("call", name, values, result, parts.map(t => this.isWhole(t, scope)));
    return result;
  }

  cell(tree, [name, indices], scope) {
    const array = this.arrays.get(this.names[name]);
    const place = indices.map(index => this.index(index, scope));
    const flat = place.includes(ABSENT) ? -1 : array.flat(place);
    if (this.cells !== null) this.cells.push({ name, array, place, outside: flat < 0, flat });
    if (flat < 0) return ABSENT;
    this.tell("cell", name, array, place, flat);
    return this.arithmetic.cell(array, flat);
  }

  sum(tree, [body, loops, condition], scope) {
    return this.looped("sum", body, loops, condition, scope);
  }

  max(tree, [body, loops, condition], scope) {
    return this.looped("max", body, loops, condition, scope);
  }

  looped(kind, body, loops, condition, scope) {
    const outer = this.cells, terms = [], values = [];
    const inner = { ...scope };
    this.each(loops, inner, () => {
      this.cells = [];
      const test = condition === null || this.value(condition, inner);
      if (test !== ABSENT && !this.arithmetic.valueOf(test)) return;
      this.cells = [];
      const value = test === ABSENT ? ABSENT : this.value(body, inner);
      if (value !== ABSENT) values.push(value);
      if (this.listener || outer) {
        terms.push({ at: loops.map(([name]) => [name, inner[name]]), cells: this.cells, value });
      }
    });
    this.cells = outer;
    const result = this.arithmetic.join(kind, values);
    if (outer) {
      for (const term of terms) outer.push(...term.cells);
    } else {
      this.tell("loop", kind, terms, result, this.isWhole(body, inner), loops);
    }
    return result;
  }

  /** Call an action for each value of the loops' variables, which it finds in `scope`. */
  each(loops, scope, action) {
    if (!loops.length) return action();
    const [[name, start, stop], ...rest] = loops;
    const end = this.index(stop, scope);
    for (let value = this.index(start, scope); value < end; value++) {
      scope[name] = value;
      this.each(rest, scope, action);
    }
  }

  /** Whether a tree stands for whole numbers, which are printed without a point. */
  isWhole(tree, scope) {
    if (typeof tree === "number") return Number.isInteger(tree);
    if (typeof tree === "string") return tree in scope || tellsWhole(this.names[tree]);
    const [kind, ...parts] = tree;
    if (kind === "cell") return this.arrays.get(this.names[parts[0]]).whole;
    if (kind === "neg") return this.isWhole(parts[0], scope);
    if (kind === "max") {
      return this.isWhole(parts[0], { ...scope, ...Object.fromEntries(parts[1]) });
    }
    if (kind === "if") {
      const quiet = new Walk({ names: this.names }, this.arrays, float64);
      return this.isWhole(quiet.value(parts[0], scope) === true ? parts[1] : parts[2], scope);
    }
    return kind !== "/" && isIndex(tree, scope);
  }
}

function tellsWhole(value) {
  return Number.isInteger(value);
}

/** Whether a tree is made of index variables and whole numbers alone. */
function isIndex(tree, scope) {
  if (typeof tree === "number") return Number.isInteger(tree);
  if (typeof tree === "string") return tree in scope;
  const [kind, ...parts] = tree;
  const known = kind in OPERATIONS || kind in COMPARISONS || kind === "neg";
  return known && parts.every(part => isIndex(part, scope));
}

/** The index variables of a cell. */
function scopeOf(formula, place) {
  return Object.fromEntries(formula.indices.map((name, axis) => [name, place[axis]]));
}

/** One cell of a formula. What is absent as a whole is 0. */
function compute(formula, arrays, place, arithmetic, listener = null) {
  const walk = new Walk(formula, arrays, arithmetic, listener);
  const value = walk.value(formula.node, scopeOf(formula, place));
  return value === ABSENT ? arithmetic.number(0) : value;
}

// ---- Who reads a cell ----------------------------------------------------------------------------

/** The places in a tree that name an array, each with the loops and conditions around it. */
function* mentions(tree, loops = [], holds = []) {
  if (!Array.isArray(tree)) return;
  const [kind, ...parts] = tree;
  if (kind === "cell") {
    yield { name: parts[0], indices: parts[1], loops, holds };
    for (const index of parts[1]) yield* mentions(index, loops, holds);
  } else if (kind === "sum" || kind === "max") {
    const [body, inner, test] = parts, around = [...loops, ...inner];
    const there = [...holds, ["there", body], ...(test === null ? [] : [test])];
    yield* mentions(body, around, there);
    yield* mentions(test, around, holds);
  } else if (kind === "if") {
    const [test, yes, no] = parts;
    yield* mentions(test, loops, holds);
    yield* mentions(yes, loops, [...holds, test]);
    yield* mentions(no, loops, [...holds, ["not", test]]);
  } else {
    for (const part of parts) yield* mentions(part, loops, holds);
  }
}

function variablesIn(tree, among) {
  if (typeof tree === "string") return among.has(tree) ? [tree] : [];
  if (!Array.isArray(tree)) return [];
  return [...new Set(tree.flatMap(part => variablesIn(part, among)))];
}

/** The cells of a formula's array that read a cell, in order.
 *
 *  For each mention of the array its indices are solved for the variables one axis at a time: all
 *  values of the variables that are still free in an axis are tried. */
function readers(formula, arrays, name, place) {
  const target = arrays.get(formula.array), found = new Set();
  for (const mention of mentions(formula.node)) {
    if (formula.names[mention.name] !== name || mention.indices.length !== place.length) continue;
    const walk = new Walk(formula, arrays, float64);
    const ranges = new Map(formula.indices.map((index, axis) => [index, [0, target.shape[axis]]]));
    for (const [variable, start, stop] of mention.loops) {
      ranges.set(variable, [walk.index(start, {}), walk.index(stop, {})]);
    }
    solve(walk, mention, place, ranges, scope => {
      found.add(target.flat(formula.indices.map(index => scope[index])));
    });
  }
  return [...found].sort((a, b) => a - b).map(flat => target.place(flat));
}

function solve(walk, { indices, holds }, place, ranges, action) {
  const known = new Set(ranges.keys());
  const free = tree => variablesIn(tree, known);
  const goals = indices.map((tree, axis) => ({ tree, axis, count: free(tree).length }));
  goals.sort((a, b) => a.count - b.count);
  const matches = (step, scope) => {
    if (step === goals.length) return rest([...known].filter(v => !(v in scope)), scope);
    const { tree, axis } = goals[step];
    tryAll(free(tree).filter(v => !(v in scope)), scope, () => {
      if (walk.index(tree, scope) === place[axis]) matches(step + 1, scope);
    });
  };
  const rest = (variables, scope) => tryAll(variables, scope, () => {
    if (holds.every(test => holdsFor(walk, test, scope))) action(scope);
  });
  const tryAll = (variables, scope, then) => {
    if (!variables.length) return then();
    const [variable, ...others] = variables, [start, stop] = ranges.get(variable);
    for (let value = start; value < stop; value++) {
      scope[variable] = value;
      tryAll(others, scope, then);
    }
    delete scope[variable];
  };
  matches(0, {});
}

function holdsFor(walk, test, scope) {
  if (test[0] === "there") return walk.value(test[1], scope) !== ABSENT;
  return walk.value(test, scope) === true;
}
