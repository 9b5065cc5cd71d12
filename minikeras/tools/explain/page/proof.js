// ==== The proof ===================================================================================
//
// Every embedded cell that has a formula is computed again in float64 and compared with the number
// that is stored. With u = 2^-24, half a unit in the last place, float32 may lose
//
//   a + b, a - b, a * b, a / b   what its operands lost, and u |result|
//   a sum of n terms             what the terms lost, and n u (|term_1| + ... + |term_n|),
//                                in whatever order they are added
//   f(a)                         the largest slope of f near a, times what a lost, and 4 u |f(a)|
//   a number in a formula        u |number|, unless it is whole: it was rounded to float32
//   a cell                       nothing, if the run wrote it down; what its own formula may lose,
//                                if it is inside a layer and was computed for this page
//
// A stored number is wrong if it differs by more than twice this bound (kernels rearrange formulas)
// and u |result|. Where a comparison is closer than what its sides may have lost, either branch may
// have been taken: such cells are counted as `open`, not as wrong.

const U = 2 ** -24;
const SMALLEST = 2 ** -120; // below, float32 has fewer digits

/** Numbers with a bound: `[value, error]`. */
class Bounded {
  constructor(errorOfCell) {
    this.errorOfCell = errorOfCell;
    this.open = false;
  }

  number(value) {
    return typeof value === "boolean" || Number.isInteger(value)
      ? [value, 0] : [value, U * Math.abs(value)];
  }

  cell(array, flat) {
    return [array.data[flat], this.errorOfCell(array, flat)];
  }

  valueOf(number) {
    return Array.isArray(number) ? number[0] : number;
  }

  negate([a, error]) {
    return [-a, error];
  }

  compare(kind, [a, errorA], [b, errorB]) {
    if (errorA + errorB > 0 && Math.abs(a - b) <= 2 * (errorA + errorB)) this.open = true;
    return COMPARISONS[kind](a, b);
  }

  operate(kind, [a, errorA], [b, errorB]) {
    const result = OPERATIONS[kind](a, b);
    return [result, carried(kind, a, errorA, b, errorB, result) + U * Math.abs(result)];
  }

  call(name, values) {
    const numbers = values.map(([value]) => value);
    const result = FUNCTIONS[name](...numbers);
    const lost = Math.max(...values.map(([, error]) => error));
    const exact = ["relu", "abs", "maximum", "minimum"].includes(name);
    const rounding = exact ? 0 : 4 * U * Math.abs(result);
    return [result, (lost ? slope(name, numbers[0], lost) * lost : 0) + rounding];
  }

  join(kind, values) {
    if (kind === "max") {
      if (!values.length) return ABSENT;
      return [largestOf(values.map(([v]) => v)), Math.max(...values.map(([, error]) => error))];
    }
    let total = 0, size = 0, lost = 0;
    for (const [value, error] of values) {
      total += value;
      size += Math.abs(value);
      lost += error;
    }
    return [total, lost + values.length * U * size];
  }
}

/** What a result lost because its operands had. */
function carried(kind, a, errorA, b, errorB, result) {
  if (kind === "*") return Math.abs(a) * errorB + Math.abs(b) * errorA + errorA * errorB;
  if (kind === "/") {
    return (errorA + Math.abs(result) * errorB) / Math.max(Math.abs(b) - errorB, Number.MIN_VALUE);
  }
  if (kind === "**") return Math.abs(b * a ** (b - 1)) * errorA + 8 * U * Math.abs(result);
  return errorA + errorB;
}

/** The largest slope of a function within `lost` of `a`. */
function slope(name, a, lost) {
  if (name === "exp" || name === "expm1") return Math.exp(a + lost);
  if (name === "log") return 1 / Math.max(a - lost, Number.MIN_VALUE);
  if (name === "log1p") return 1 / Math.max(1 + a - lost, Number.MIN_VALUE);
  if (name === "sqrt") return 0.5 / Math.sqrt(Math.max(a - lost, Number.MIN_VALUE));
  return name === "erf" ? 2 / Math.sqrt(Math.PI) : 1;
}

/** Compares embedded numbers with their formulas. */
class Proof {
  constructor(book) {
    this.book = book;
    this.bounds = new Map(); // by name of an array inside a layer: what its cells may have lost
  }

  /** Compute a cell again: `{value, bound, stored, right, open}`. */
  cell(formula, place) {
    const arithmetic = new Bounded((array, flat) => this.lost(array, flat));
    const [value, error] = compute(formula, this.book.arrays, place, arithmetic);
    const stored = this.book.arrays.get(formula.array).at(place);
    const bound = 2 * error + U * Math.abs(value) + SMALLEST;
    const same = Object.is(value, stored) || value === stored || Number.isNaN(error);
    const right = same || Math.abs(value - stored) <= bound;
    return { value: Number(value), bound, error, stored, right, open: arithmetic.open };
  }

  /** What a cell of an array may have lost before it was written down. */
  lost(array, flat) {
    const formula = this.book.inside.get(array.name);
    if (!formula) return 0;
    if (!this.bounds.has(array.name)) {
      this.bounds.set(array.name, new Float64Array(array.size).fill(-1));
    }
    const known = this.bounds.get(array.name);
    if (known[flat] < 0) {
      known[flat] = 0; // a formula that leads back to its own cell adds nothing
      known[flat] = this.cell(formula, array.place(flat)).error + U * Math.abs(array.data[flat]);
    }
    return known[flat];
  }

  all(report = () => {}) {
    const result = { cells: 0, wrong: 0, open: 0, first: null };
    for (const formula of this.book.formulas) {
      const array = this.book.arrays.get(formula.array);
      if (!this.book.isComplete(formula)) continue;
      for (let flat = 0; flat < array.size; flat++) {
        const place = array.place(flat), cell = this.cell(formula, place);
        result.cells++;
        if (cell.right) continue;
        if (cell.open) {
          result.open++;
          continue;
        }
        result.wrong++;
        result.first ??= `${formula.array}${at(place)}`;
        report(formula, place, cell);
      }
    }
    return result;
  }
}
