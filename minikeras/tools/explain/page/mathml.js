// ==== Formulas typeset: MathML from the tree ======================================================

const MATHML = "http://www.w3.org/1998/Math/MathML";
const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; text becomes text, never markup. */
function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
  return node;
}

function math(tag, ...children) {
  return filled(document.createElementNS(MATHML, tag), {}, children);
}

const row = (...parts) => math("mrow", ...parts);
const sign = text => math("mo", text);
const number = value => math("mn", String(value).replace("-", "−"));
const inside = (open, part, close) => row(sign(open), part, sign(close));

const GREEK = {
  alpha: "α", beta: "β", gamma: "γ", epsilon: "ε", momentum: "μ", mean: "μ", rho: "ρ",
  learning_rate: "η", variance: "σ²",
};
const WORDS = { "*": "·", "//": "÷", "<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "-": "−" };
const STRENGTH = {
  or: 1, and: 2, "<": 3, "<=": 3, ">": 3, ">=": 3, "==": 3, "!=": 3, "+": 4, "-": 4,
  "*": 5, "//": 5, "%": 5, neg: 5, "/": 9, "**": 9, sum: 4.5,
};

/** A name as it stands in a formula: `m_hat` with a hat, `beta_1` with an index, Greek letters. */
function nameOf(name, indices = null) {
  let [, base, , tail] = /^(.*?)(_(hat|new|\d+|after))?$/.exec(name);
  if (base === "") [base, tail] = [name, undefined];
  let main = math("mi", GREEK[base] ?? base);
  if (tail === "hat") main = math("mover", main, sign("^"));
  if (tail === "new" || tail === "after") main = row(main, sign("′"));
  const below = [];
  if (tail && /\d/.test(tail)) below.push(math("mn", tail));
  if (indices) below.push(...indices);
  return below.length ? math("msub", main, row(...below)) : main;
}

function separated(parts) {
  return parts.flatMap((part, i) => i ? [sign(","), part] : [part]);
}

/** A tree as MathML; in parentheses where it binds less than what stands around it. */
function typeset(tree, around = 0) {
  if (typeof tree === "number") return number(tree);
  if (typeof tree === "string") return nameOf(tree);
  const [kind, ...parts] = tree;
  const made = (TYPESET[kind] ?? binary)(parts, kind);
  return (STRENGTH[kind] ?? 10) < around ? inside("(", made, ")") : made;
}

function binary([a, b], kind) {
  const strength = STRENGTH[kind];
  const right = kind === "-" || kind === "//" || kind === "%" ? strength + 0.5 : strength;
  const word = kind === "and" || kind === "or" || kind === "%" ? ` ${kind === "%" ? "mod" : kind} ` : null;
  const operator = word ? math("mtext", word) : sign(WORDS[kind] ?? kind);
  return row(typeset(a, strength), operator, typeset(b, right));
}

/** Loops under a sum: `u = 0 … 2`. */
function ranges(loops, condition) {
  const lines = loops.map(([name, start, stop]) => {
    const last = typeof stop === "number" ? number(stop - 1) : row(typeset(stop), sign("−"), number(1));
    return row(nameOf(name), sign("="), typeset(start), sign("…"), last);
  });
  if (condition !== null) lines.push(typeset(condition));
  return math("mtable", ...lines.map(line => math("mtr", math("mtd", line))));
}

const TYPESET = {
  cell: ([name, indices]) => nameOf(name, indices.length ? separated(indices.map(i => typeset(i))) : null),
  neg: ([a]) => row(sign("−"), typeset(a, 5)),
  not: ([a]) => row(math("mtext", "not "), typeset(a, 6)),
  "/": ([a, b]) => math("mfrac", typeset(a), typeset(b)),
  "**": ([a, b]) => math("msup", typeset(a, 9.5), typeset(b)),
  sum: ([body, loops, condition]) =>
    row(math("munder", sign("∑"), ranges(loops, condition)), typeset(body, 4.5)),
  max: ([body, loops, condition]) =>
    row(math("munder", math("mo", "max"), ranges(loops, condition)), typeset(body, 4.5)),
  if: ([test, yes, no]) => row(sign("{"), math("mtable",
    math("mtr", math("mtd", typeset(yes)), math("mtd", math("mtext", "if "), typeset(test))),
    math("mtr", math("mtd", typeset(no)), math("mtd", math("mtext", "otherwise"))))),
  call([name, ...parts]) {
    if (name === "sqrt") return math("msqrt", typeset(parts[0]));
    if (name === "exp") return math("msup", math("mi", "e"), typeset(parts[0]));
    if (name === "abs") return inside("|", typeset(parts[0]), "|");
    return row(math("mi", name), inside("(", row(...separated(parts.map(p => typeset(p)))), ")"));
  },
};

/** The summands of a tree, which may stand on several lines. */
function summands(tree) {
  if (!Array.isArray(tree) || !["+", "-"].includes(tree[0])) return [{ before: null, tree }];
  return [...summands(tree[1]), { before: tree[0], tree: tree[2] }];
}

/** A formula, `left = right`, in pieces that a narrow page may set on several lines. */
function formulaElement(label, formula) {
  const left = nameOf(label, formula.indices.length ? separated(formula.indices.map(i => nameOf(i))) : null);
  const pieces = summands(formula.node).map(({ before, tree }, i) => {
    const made = typeset(tree, before === "-" ? 4.6 : 4);
    return i === 0 ? row(left, sign("="), made) : row(sign(WORDS[before] ?? before), made);
  });
  const spoken = `${label}${formula.indices.length ? `[${formula.indices.join(", ")}]` : ""} = ${formula.text}`;
  return element("div", { class: "formula", role: "math", "aria-label": spoken },
    pieces.map(piece => filled(math("math"), { displaystyle: "true" }, [piece])));
}
