// ==== The page: what is chosen, and what is shown of it ===========================================

const TABS = [["forward", "Forward"], ["back", "Backward"], ["step", "Step"], ["source", "Source"]];
const PHASE_TAB = { forward: "forward", loss: "forward", backward: "back", step: "step" };
const ROLE_TAB = { gradient: "back", step: "step" };
const GROUPS = {
  forward: [["Inputs", ["input"]], ["Weights", ["weight"]], ["Inside", ["inside"]], ["Output", ["output"]], ["Statistics", ["statistic"]]],
  back: [["From above", ["output"]], ["Inside", ["inside", null]], ["To the weights", ["weight"]], ["To the inputs", ["input"]]],
};
const LINK = /^(.+?)\/(forward|back|step|source)(?:\/([^/]*?))?(?:\/?(\d+(?:,\d+)*))?$/;
const SECONDS_PER_STOP = 1.5, MOST_MARKS = 3000;

class Page {
  constructor(book) {
    this.book = book;
    this.proof = new Proof(book);
    this.panel = new CellPanel(book, this.proof, (name, place, text) => this.link(name, place, text));
    this.state = { key: null, tab: "forward", entry: null, place: null };
    this.heats = [];
    this.stop = 0;
    this.sight = new IntersectionObserver(seen => seen.filter(s => s.isIntersecting)
      .forEach(s => this.heats.find(heat => heat.canvas === s.target)?.paint()), { rootMargin: "200px" });
    this.byId = id => document.getElementById(id);
  }

  start() {
    const { book } = this;
    this.byId("title").textContent = book.title;
    this.byId("summary").textContent = book.summary;
    this.byId("graph").replaceChildren(drawGraph(book, key => this.show({ key })));
    this.startTimeline();
    this.startTheme();
    this.startFind();
    this.startSteps();
    window.addEventListener("hashchange", () => this.follow());
    window.addEventListener("resize", () => this.resized());
    document.addEventListener("keydown", event => this.key(event));
    this.lastWidth = this.byId("layer").clientWidth;
    this.byId("jump").addEventListener("click", () => this.jump());
    if (!this.follow()) this.show({ key: this.firstKey() });
  }

  /** The first layer that is more than an input. */
  firstKey() {
    return (this.book.nodes.find(node => node.formulas.length) ?? this.book.nodes[0]).key;
  }

  // ---- What is chosen

  /** Show a layer; a tab of it; a cell of one of its arrays. */
  show({ key, tab, entry = null, place = null, keepTime = false }) {
    const node = this.book.byKey.get(key), before = this.state;
    const chosen = tab ?? (entry ? ROLE_TAB[entry.role] ?? "forward" : before.tab === "source" ? "forward" : before.tab);
    this.state = { key, tab: this.hasTab(node, chosen) ? chosen : "forward", entry, place };
    if (before.key !== key || before.tab !== this.state.tab) this.showLayer(node);
    this.showCell();
    this.light();
    if (!keepTime) this.findStop();
    this.writeLink();
  }

  hasTab(node, tab) {
    return tab === "forward" || (tab === "source" ? node.source.length > 0 : this.entriesOf(node, tab).length > 0);
  }

  /** Show a cell of an array, in the layer whose formula computes it. */
  showArray(name, place, options = {}) {
    const formula = this.book.byArray.get(name), here = this.book.byKey.get(this.state.key);
    const node = formula?.owner ?? this.book.ownerOf(name);
    const entry = node.arrays.find(e => e.name === name) ?? here.arrays.find(e => e.name === name);
    if (!entry) return this.showOwned(name, place, options);
    const tab = formula?.phase === "step" ? "step" : ROLE_TAB[entry.role] ?? "forward";
    this.show({ key: node.key, tab, entry, place, ...options });
    this.reveal();
  }

  /** A formula of one layer may compute an array of another: the loss's gives the last layer's. */
  showOwned(name, place, options) {
    const node = this.book.ownerOf(name), entry = node.arrays.find(e => e.name === name);
    this.show({ key: node.key, entry, place, ...options });
    this.reveal();
  }

  reveal() {
    const heat = this.heats.find(h => h.entry === this.state.entry);
    heat?.root.scrollIntoView({ block: "nearest" });
  }

  /** On a narrow page: from the pictures to the cell, and back. */
  jump() {
    const { top } = this.byId("cell").getBoundingClientRect();
    if (top > innerHeight / 2) this.byId("cell").scrollIntoView();
    else this.heats.find(heat => heat.entry === this.state.entry)?.root.scrollIntoView({ block: "center" });
  }

  link(name, place, text) {
    const formula = this.book.byArray.get(name);
    const owner = formula?.owner.arrays.some(e => e.name === name) ? formula.owner : this.book.ownerOf(name);
    const entry = owner.arrays.find(e => e.name === name);
    return element("a", { href: this.linkOf(owner.key, ROLE_TAB[entry.role] ?? "forward", entry, place),
      title: name + at(place), onclick: event => { event.preventDefault(); this.showArray(name, place); } }, text);
  }

  linkOf(key, tab, entry, place) {
    const parts = [key, tab, ...(entry ? [entry.label] : []), ...(place?.length ? [place.join(",")] : [])];
    return `#${parts.map(encodeURIComponent).join("/").replace(/%2C/g, ",").replace(/%2F/g, "/").replace(/%3A/g, ":")}`;
  }

  writeLink() {
    const { key, tab, entry, place } = this.state;
    if (location.protocol !== "about:") history.replaceState(null, "", this.linkOf(key, tab, entry, place));
  }

  /** Show what the address names: `#conv2d/back/dkernel/0,0,0,5`, or `#conv2d/back/0,3,5,2`. */
  follow() {
    const match = LINK.exec(decodeURIComponent(location.hash.slice(1)));
    const node = match && this.book.byKey.get(match[1]);
    if (!node) return false;
    const [, key, tab, label, numbers] = match, isPlace = /^\d+(,\d+)*$/.test(label ?? "");
    const place = (numbers ?? (isPlace ? label : ""))?.split(",").filter(Boolean).map(Number);
    const role = tab === "back" ? "output" : null;
    const entry = label && !isPlace ? node.arrays.find(e => e.label === label)
      : this.entriesOf(node, tab).find(e => tab === "back" ? this.roleOf(e, node) === role : e.role === "output");
    const fits = entry && this.book.arrays.get(entry.name).flat(place) >= 0;
    this.show({ key, tab, entry: fits ? entry : null, place: fits ? place : null });
    this.reveal();
    return true;
  }

  // ---- The layer

  entriesOf(node, tab) {
    const phase = entry => ROLE_TAB[entry.role] ?? "forward";
    const seen = new Set();
    return node.arrays.filter(entry => phase(entry) === tab && !seen.has(entry.name) && seen.add(entry.name));
  }

  /** What a gradient is the gradient of: an output, something inside, a weight, an input. */
  roleOf(entry, node) {
    return node.arrays.find(other => other.name === entry.of)?.role ?? null;
  }

  showLayer(node) {
    const { tab } = this.state;
    const tabs = element("div", { class: "tabs", role: "tablist", "aria-label": "Passes", onkeydown: e => this.tabKey(e) },
      TABS.filter(([name]) => this.hasTab(node, name)).map(([name, text]) => element("button", {
        type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(name === tab), "aria-controls": "pass",
        tabindex: name === tab ? 0 : -1, onclick: () => this.show({ key: node.key, tab: name }) }, text)));
    const body = element("div", { id: "pass", role: "tabpanel", "aria-labelledby": `tab-${tab}` });
    this.byId("layer").replaceChildren(
      element("header", {}, element("h2", {}, node.key, " ", element("small", {}, node.class)), element("p", {}, node.about),
        node.notes.length ? element("ul", { class: "hints" }, node.notes.map(note => element("li", {}, note))) : null), tabs, body);
    this.sight.disconnect();
    this.heats = [];
    if (tab === "source") body.append(...node.source.map((source, i) => sourceElement(source, i === 0)));
    else body.append(...this.groups(node, tab));
  }

  tabKey(event) {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const tabs = [...event.currentTarget.children], now = tabs.findIndex(t => t.getAttribute("aria-selected") === "true");
    tabs[(now + (event.key === "ArrowRight" ? 1 : tabs.length - 1)) % tabs.length].click();
    this.byId(`tab-${this.state.tab}`).focus();
  }

  groups(node, tab) {
    const entries = this.entriesOf(node, tab);
    const width = Math.max(240, this.byId("layer").clientWidth - 2 * parseFloat(getComputedStyle(this.byId("layer")).paddingLeft) - 16);
    const heatsOf = some => some.map(entry => {
      const heat = new Heat(this.book, entry, { width, choose: (e, place) => this.show({ key: node.key, tab, entry: e, place }) });
      this.heats.push(heat);
      if (heat.canvas) this.sight.observe(heat.canvas);
      return heat.root;
    });
    const weightOf = entry => this.book.weightOf(entry);
    const groups = tab === "step"
      ? [...new Set(entries.map(weightOf))].map(name => [name, entries.filter(e => weightOf(e) === name)])
      : GROUPS[tab].map(([title, roles]) => [title, entries.filter(e => roles.includes(tab === "back" ? this.roleOf(e, node) : e.role))]);
    return groups.filter(([, some]) => some.length)
      .map(([title, some]) => element("section", { class: "group" }, element("h3", {}, title), heatsOf(some)));
  }

  // ---- The cell

  showCell() {
    const { entry, place } = this.state, aside = this.byId("cell");
    aside.scrollTop = 0;
    this.byId("jump").hidden = !place;
    if (!entry || !place) {
      aside.replaceChildren(...this.welcome());
      for (const heat of this.heats) heat.mark({});
      return;
    }
    aside.replaceChildren(...this.panel.show(entry.name, place).filter(Boolean));
    this.byId("cell-name").value = entry.name + at(place).replace(/ /g, "");
    const [said] = textOf(this.book, entry.name, place);
    this.byId("spoken").textContent = said;
    this.byId("jump").textContent = `${said} ↕`;
    this.markAll(entry.name, place);
  }

  /** Outline the cells that the chosen one comes from, and those that read it. */
  markAll(name, place) {
    const known = derivation(this.book, name, place), sources = new Map(), after = new Map();
    const note = (map, array, cell) => {
      if (!map.has(array)) map.set(array, []);
      if (map.get(array).length < MOST_MARKS) map.get(array).push(cell);
    };
    for (const event of known?.events ?? []) {
      if (event.what === "cell") note(sources, event.array.name, event.place);
      for (const term of event.terms ?? []) for (const cell of term.cells) note(sources, cell.array.name, cell.place);
    }
    for (const { formula, cells } of this.book.readersOf(name, place)) for (const cell of cells) note(after, formula.array, cell);
    for (const heat of this.heats) {
      const array = heat.entry.name;
      heat.mark({ chosen: array === name ? place : null, sources: sources.get(array) ?? [], readers: after.get(array) ?? [] });
    }
  }

  welcome() {
    const asked = this.asked ??= questions(this.book);
    return [element("h2", {}, "Choose a number"),
      element("p", {}, "Click a cell, or move with the arrow keys. Here you will see the terms that it is made of, where it goes, and the gradient that it received."),
      asked.length ? element("h3", {}, "Questions to begin with") : null,
      asked.length ? element("ul", { class: "questions" }, asked.map(([question, name, place, hint]) =>
        element("li", {}, this.link(name, place, question), element("span", {}, hint)))) : null,
      element("h3", {}, "How to read the pictures"),
      element("p", { class: "key" }, element("i", { class: "ramp" }), " negative, zero, positive; the largest size has the full colour."),
      element("ul", { class: "marks" },
        element("li", {}, element("i", { class: "frame chosen" }), "the chosen cell"), element("li", {}, element("i", { class: "frame" }), "cells that it comes from"),
        element("li", {}, element("i", { class: "frame reader" }), "cells that read it")),
      this.book.left_out.length ? element("p", { class: "note" }, `Left out: ${this.book.left_out.join("; ")}.`) : null].filter(Boolean);
  }

  startFind() {
    const input = this.byId("cell-name");
    this.byId("find").addEventListener("submit", event => {
      event.preventDefault();
      const answer = this.find(input.value);
      this.byId("find-answer").textContent = answer;
    });
  }

  /** Go to a cell by its name; says what is wrong with it, or nothing. */
  find(text) {
    const match = /^\s*([^[\]]+?)\s*(?:\[([\d,\s]*)\])?\s*$/.exec(text);
    if (!match) return "Expected a cell such as conv2d[0,2,3,5].";
    const owner = match[1].replace(/^d_/, "");
    const name = [match[1], `${match[1]}/out`, `${owner}/d_out`, `${owner}/d_z`].find(n => this.book.arrays.has(n));
    if (!name) return `There is no array ${match[1]}.`;
    const place = (match[2] ?? "").split(",").filter(part => part.trim()).map(Number), array = this.book.arrays.get(name);
    if (array.flat(place) < 0) return `${name} has the shape ${array.shape.join(" × ")}.`;
    this.showArray(name, place);
    return "";
  }

  // ---- The graph and the timeline

  light() {
    const stop = this.book.timeline[this.stop];
    for (const box of document.querySelectorAll("#graph .node")) {
      const mine = box.dataset.key === this.state.key;
      if (mine) this.bringIntoSight(box);
      if (mine) box.setAttribute("aria-current", "true");
      else box.removeAttribute("aria-current");
      box.classList.toggle("chosen", mine);
    }
    for (const edge of document.querySelectorAll("#graph .edge")) {
      edge.classList.toggle("into", edge.dataset.to === this.state.key);
      edge.classList.toggle("out-of", edge.dataset.from === this.state.key);
    }
    if (stop) document.documentElement.dataset.phase = stop.phase;
  }

  /** Scroll the graph, and nothing else, to a layer. */
  bringIntoSight(box) {
    const nav = this.byId("graph"), frame = nav.getBoundingClientRect(), mine = box.getBoundingClientRect();
    if (mine.top < frame.top) nav.scrollTop -= frame.top - mine.top + 12;
    if (mine.bottom > frame.bottom) nav.scrollTop += mine.bottom - frame.bottom + 12;
  }

  startTimeline() {
    const { timeline } = this.book, time = this.byId("time");
    time.max = Math.max(0, timeline.length - 1);
    time.addEventListener("input", () => this.goTo(Number(time.value)));
    this.byId("back").addEventListener("click", () => this.goTo(this.stop - 1));
    this.byId("on").addEventListener("click", () => this.goTo(this.stop + 1));
    this.byId("play").addEventListener("click", () => this.play());
    const counts = new Map();
    for (const { phase } of timeline) counts.set(phase, (counts.get(phase) ?? 0) + 1);
    this.byId("phases").replaceChildren(...[...counts].map(([phase, count]) => {
      const part = element("span", { class: phase }, phase);
      part.style.flexGrow = count;
      return part;
    }));
  }

  goTo(index) {
    const { timeline } = this.book;
    if (index < 0 || index >= timeline.length) return false;
    this.stop = index;
    const { phase, node, array, cell } = timeline[index];
    const entry = this.book.byKey.get(node).arrays.find(e => e.name === array) ?? null;
    this.show({ key: node, tab: PHASE_TAB[phase], entry: cell ? entry : null, place: cell ?? null, keepTime: true });
    this.heats.find(heat => heat.entry.name === array)?.root.scrollIntoView({ block: "nearest" });
    for (const heat of this.heats) heat.root.classList.toggle("now", heat.entry.name === array);
    this.showTime();
    return true;
  }

  /** The first stop of the timeline at what is shown, if there is one. */
  findStop() {
    const { key, tab, entry } = this.state, here = stop => stop.node === key && PHASE_TAB[stop.phase] === tab;
    const exact = this.book.timeline.findIndex(stop => here(stop) && stop.array === entry?.name);
    const index = exact >= 0 ? exact : this.book.timeline.findIndex(here);
    if (index >= 0) this.stop = index;
    this.showTime();
  }

  showTime() {
    const stop = this.book.timeline[this.stop];
    if (!stop) return;
    this.byId("time").value = this.stop;
    this.byId("time").setAttribute("aria-valuetext", `${stop.phase}: ${stop.text}`);
    this.byId("now").textContent = `${this.stop + 1} of ${this.book.timeline.length} · ${stop.phase}: ${stop.text}`;
    document.documentElement.dataset.phase = stop.phase;
  }

  play() {
    const button = this.byId("play"), playing = this.timer !== undefined;
    clearInterval(this.timer);
    this.timer = playing ? undefined : setInterval(() => {
      if (!this.goTo(this.stop + 1)) this.play();
    }, 1000 * SECONDS_PER_STOP);
    button.setAttribute("aria-pressed", String(!playing));
    button.setAttribute("aria-label", playing ? "Play" : "Pause");
    button.textContent = playing ? "▶" : "❚❚";
  }

  /** Arrow keys step through the timeline, wherever nothing else takes them. */
  key(event) {
    if (event.target.closest("input, textarea, canvas, [role=tablist], pre, .scroll") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") this.goTo(this.stop + 1);
    else if (event.key === "ArrowLeft") this.goTo(this.stop - 1);
    else if (event.key === "Escape") this.show({ key: this.state.key, tab: this.state.tab });
    else return;
    event.preventDefault();
  }

  // ---- Theme, width, steps of a training

  startTheme() {
    const button = this.byId("theme"), root = document.documentElement;
    const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const say = () => { button.textContent = dark() ? "Light" : "Dark"; };
    const changed = () => {
      palette = null;
      say();
      this.redraw();
    };
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      changed();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
    say();
  }

  redraw() {
    this.showLayer(this.book.byKey.get(this.state.key));
    this.showCell();
  }

  resized() {
    clearTimeout(this.waiting);
    const width = this.byId("layer").clientWidth;
    if (width !== this.lastWidth) this.waiting = setTimeout(() => this.redraw(), 150);
    this.lastWidth = width;
  }

  startSteps() {
    const { steps } = this.book, bar = this.byId("steps");
    if (!steps?.length) return;
    const [input, output] = [bar.querySelector("input"), bar.querySelector("output")];
    bar.hidden = false;
    input.max = steps.length - 1;
    const turn = () => {
      const step = steps[Number(input.value)];
      this.book.turnTo(step);
      this.proof = this.panel.proof = new Proof(this.book);
      this.asked = undefined;
      output.textContent = step.loss === undefined ? step.step : `${step.step}, loss ${printed(step.loss)}`;
      if (this.state.key) this.redraw();
    };
    input.addEventListener("input", turn);
    turn();
  }
}

function sourceElement({ what, file, line, name, code, doc }, open) {
  return element("details", { class: "source", open },
    element("summary", {}, element("span", { class: "what" }, what), " ", element("code", {}, `${file}:${line}`), name ? ` ${name}` : ""),
    doc ? element("pre", { class: "doc" }, doc) : null,
    element("pre", { class: "code", tabindex: 0, "aria-label": `Source, ${file}` }, code));
}

const started = performance.now();
const page = new Page(new Book(JSON.parse(document.getElementById("document").textContent)));
page.start();

/** Compute every embedded cell that has a formula again: `{cells, wrong, open, first}`. */
window.selfcheck = () => new Proof(page.book).all();
/** The lines of a cell, as `minikeras explain --at` prints them. */
window.cellText = (name, place) => textOf(page.book, name, place).join("\n");
window.page = page;
window.opened = performance.now() - started;
