// ==== Arrays as pictures ==========================================================================
//
// Blue is negative, orange positive, and the colour of the page is 0; the largest size in the array
// is the full colour. An array of more than two axes is several pictures side by side.

const NUMBERED = { width: 54, height: 26 }, MOST_HEIGHT = 1800, TITLE = 15;

let palette = null;

/** Colours of the style sheet as numbers; asked for again when the theme changes. */
function colours() {
  if (palette) return palette;
  const style = getComputedStyle(document.documentElement);
  const value = name => style.getPropertyValue(name).trim();
  const rgb = name => value(name).match(/\w\w/g).map(pair => parseInt(pair, 16));
  palette = { below: rgb("--below"), zero: rgb("--zero"), above: rgb("--above"),
    ink: value("--ink"), paper: value("--paper"), soft: value("--soft"), mark: value("--mark") };
  return palette;
}

/** The colour of a number between -1 and 1: `[red, green, blue]`. */
function tint(share) {
  const { below, zero, above } = colours(), end = share < 0 ? below : above;
  const amount = Math.min(1, Math.abs(share)) ** 0.8;
  return zero.map((level, i) => Math.round(level + (end[i] - level) * amount));
}

const isDark = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b < 140;

/** Which axes are rows and columns; the others count the pictures. */
function pictureAxes(shape, axes) {
  const rank = shape.length;
  if (rank < 2) return { rows: -1, columns: rank - 1, others: [] };
  const pairs = [["i", "j"], ["u", "v"]];
  const pair = pairs.map(names => names.map(name => axes.indexOf(name)))
    .find(([row, column]) => row >= 0 && column === row + 1);
  let [rows, columns] = pair ?? [rank - 2, rank - 1];
  if (!pair && shape[rows] > 24 && shape[rows] > 3 * shape[columns]) [rows, columns] = [columns, rows];
  return { rows, columns, others: shape.map((_, axis) => axis).filter(a => a !== rows && a !== columns) };
}

/** Where each cell of an array is drawn. */
class Picture {
  constructor(array, axes, width, numbered) {
    Object.assign(this, { array, axes, ...pictureAxes(array.shape, axes) });
    this.height = this.rows < 0 ? 1 : array.shape[this.rows];
    this.width = this.columns < 0 ? 1 : array.shape[this.columns];
    this.count = this.others.reduce((product, axis) => product * array.shape[axis], 1);
    this.measure(width, numbered);
  }

  measure(width, numbered) {
    const total = this.height * this.width * this.count;
    const fits = total * NUMBERED.width * NUMBERED.height < width * 190;
    this.numbered = numbered ?? (fits && (this.width * NUMBERED.width <= width || this.height === 1));
    const room = Math.floor((width - 2) / this.width);
    const side = Math.max(4, Math.min(26, room, Math.floor(Math.sqrt(width * 300 / total))));
    this.cell = this.numbered ? { ...NUMBERED } : { width: side, height: side };
    // One row that is too long for the page goes on in the next line.
    const most = Math.max(1, Math.floor((width - 2) / this.cell.width));
    this.wrap = this.height === 1 && this.width > most ? most : this.width;
    this.lines = this.height * Math.ceil(this.width / this.wrap);
    this.gap = Math.max(10, Math.min(this.cell.width, 16));
    this.title = this.others.some(axis => this.array.shape[axis] > 1) ? TITLE : 0;
    const panel = this.wrap * this.cell.width;
    this.across = Math.max(1, Math.floor((width + this.gap - 2) / (panel + this.gap)));
    this.across = Math.min(this.across, this.count);
    // All pictures of one sample in one line, where they fit.
    const inner = this.others.length ? this.array.shape[this.others.at(-1)] : 1;
    if (this.across > inner) this.across -= this.across % inner;
    const tall = this.lines * this.cell.height + this.gap + this.title;
    this.shown = Math.min(this.count, this.across * Math.max(1, Math.floor(MOST_HEIGHT / tall)));
    this.step = { x: panel + this.gap, y: tall };
    this.size = { width: this.across * this.step.x - this.gap + 2,
      height: Math.ceil(this.shown / this.across) * tall - this.gap + 2 };
    this.first = 0;
  }

  /** Which picture a cell is in. */
  panelOf(place) {
    return this.others.reduce((sum, axis) => sum * this.array.shape[axis] + place[axis], 0);
  }

  /** Indices on the axes that count the pictures. */
  panelPlace(panel) {
    const place = new Array(this.array.shape.length).fill(0);
    for (const axis of [...this.others].reverse()) {
      place[axis] = panel % this.array.shape[axis];
      panel = Math.floor(panel / this.array.shape[axis]);
    }
    return place;
  }

  corner(panel) {
    const index = panel - this.first;
    return { x: 1 + (index % this.across) * this.step.x,
      y: 1 + this.title + Math.floor(index / this.across) * this.step.y };
  }

  /** The rectangle of a cell, also of one outside the array; null if its picture is not shown. */
  box(place) {
    const panel = this.panelOf(place);
    if (panel < this.first || panel >= this.first + this.shown) return null;
    const { x, y } = this.corner(panel);
    const row = this.rows < 0 ? 0 : place[this.rows], column = this.columns < 0 ? 0 : place[this.columns];
    const line = this.wrap < this.width ? Math.floor(column / this.wrap) : row;
    const { width, height } = this.cell;
    return { x: x + (this.wrap < this.width ? column % this.wrap : column) * width, y: y + line * height, width, height };
  }

  /** The cell at a point, null if there is none. */
  placeAt(x, y) {
    const across = Math.floor((x - 1) / this.step.x), down = Math.floor((y - 1) / this.step.y);
    const panel = this.first + down * this.across + across;
    if (across < 0 || across >= this.across || panel >= Math.min(this.count, this.first + this.shown)) return null;
    const corner = this.corner(panel);
    let column = Math.floor((x - corner.x) / this.cell.width);
    let line = Math.floor((y - corner.y) / this.cell.height);
    if (column < 0 || line < 0 || column >= this.wrap || line >= this.lines) return null;
    if (this.wrap < this.width) [column, line] = [line * this.wrap + column, 0];
    if (column >= this.width) return null;
    const place = this.panelPlace(panel);
    if (this.rows >= 0) place[this.rows] = line;
    if (this.columns >= 0) place[this.columns] = column;
    return place;
  }
}

/** An array as a figure: caption, picture, table. */
class Heat {
  constructor(book, entry, { choose, width }) {
    Object.assign(this, { book, entry, choose, width });
    this.array = book.arrays.get(entry.name);
    this.axes = book.axesOf(entry);
    this.marks = { chosen: null, sources: [], readers: [] };
    this.unmarked = true;
    this.numbered = undefined;
    this.hover = element("output", { class: "hover" });
    this.root = element("figure", { class: "heat", "data-array": entry.name }, this.caption());
    if (this.array.encoded === undefined) {
      this.root.append(element("p", { class: "left-out" }, `Left out: ${this.array.leftOut ?? "no numbers"}.`));
      return;
    }
    this.canvas = element("canvas", { tabindex: 0, role: "application", "aria-label": this.spoken(),
      onclick: e => this.pick(e), onmousemove: e => this.point(e), onmouseleave: () => { this.hover.textContent = ""; },
      onkeydown: e => this.key(e) });
    this.root.append(element("div", { class: "scroll" }, this.canvas), this.pager(), this.table());
    this.measure();
  }

  spoken() {
    return `${this.entry.label}: ${this.array.shape.join(" by ") || "one number"}. Arrow keys choose a cell, ` +
      "page up and page down another picture.";
  }

  caption() {
    const { array, entry } = this, size = array.shape.join(" × ") || "one number";
    this.zoomButton = element("button", { type: "button", class: "quiet", onclick: () => this.zoom() });
    const axes = array.shape.length ? `[${this.axes.join(", ")}]` : "";
    return element("figcaption", {},
      element("span", { class: "label" }, math("math", nameOf(entry.label))),
      element("span", { class: "meta" }, `${axes} ${size}`),
      this.hover,
      array.encoded === undefined ? null : element("span", { class: "scale", title: "Largest size: full colour" },
        element("i", { class: "ramp" }), `±${printed(array.largest, 3)}`),
      array.encoded === undefined || array.size < 2 ? null : this.zoomButton,
      element("span", { class: "says" }, entry.says ?? this.about()));
  }

  /** One sentence on an array: its formula's, or what it is the gradient of. */
  about() {
    const formula = this.book.byArray.get(this.entry.name);
    if (formula?.says) return formula.says;
    if (this.entry.role === "gradient" && this.entry.of) return `dL/d of ${this.entry.of}`;
    return "";
  }

  zoom() {
    this.numbered = !this.picture.numbered;
    this.measure();
  }

  measure() {
    this.picture = new Picture(this.array, this.axes, this.width, this.numbered);
    const text = this.picture.numbered ? "colours only" : "numbers";
    this.zoomButton.textContent = text;
    this.zoomButton.setAttribute("aria-label", `${this.entry.label}: ${text}`);
    this.turnTo(this.marks.chosen);
    this.draw();
  }

  /** Show the pictures among which a cell is. */
  turnTo(place) {
    const { shown, count } = this.picture;
    if (place) this.picture.first = Math.floor(this.picture.panelOf(place) / shown) * shown;
    if (this.pages) this.pages.textContent = shown < count
      ? `pictures ${this.picture.first + 1} to ${Math.min(count, this.picture.first + shown)} of ${count}` : "";
    if (this.pageBar) this.pageBar.hidden = shown >= count;
  }

  pager() {
    const move = by => {
      const { first, shown, count } = this.picture;
      const next = first + by * shown;
      if (next >= 0 && next < count) this.picture.first = next;
      this.turnTo(null);
      this.draw();
    };
    this.pages = element("span");
    this.pageBar = element("div", { class: "pager", hidden: true },
      element("button", { type: "button", class: "quiet", "aria-label": "Pictures before", onclick: () => move(-1) }, "‹"), this.pages,
      element("button", { type: "button", class: "quiet", "aria-label": "Pictures after", onclick: () => move(1) }, "›"));
    return this.pageBar;
  }

  mark(marks) {
    this.marks = { chosen: null, sources: [], readers: [], ...marks };
    if (!this.canvas) return;
    const blank = !this.marks.chosen && !this.marks.sources.length && !this.marks.readers.length;
    if (blank && this.unmarked) return;
    this.unmarked = blank;
    if (this.marks.chosen) this.turnTo(this.marks.chosen);
    this.draw();
  }

  /** Give the canvas its size, and paint it again if it has been in sight. */
  draw() {
    const { picture, canvas } = this;
    canvas.style.width = `${picture.size.width}px`;
    canvas.style.height = `${picture.size.height}px`;
    if (this.seen) this.paint();
  }

  paint() {
    const { picture, canvas } = this, scale = window.devicePixelRatio || 1;
    this.seen = true;
    canvas.width = picture.size.width * scale;
    canvas.height = picture.size.height * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.textBaseline = "middle";
    for (let panel = picture.first; panel < Math.min(picture.count, picture.first + picture.shown); panel++) {
      this.drawPanel(pen, panel);
    }
    this.drawMarks(pen);
  }

  drawPanel(pen, panel) {
    const { picture, array } = this, place = picture.panelPlace(panel), { x, y } = picture.corner(panel);
    if (picture.title) {
      const name = picture.others.filter(axis => array.shape[axis] > 1).map(axis => `${this.axes[axis]} = ${place[axis]}`);
      pen.fillStyle = colours().soft;
      pen.font = "10px system-ui, sans-serif";
      pen.textAlign = "left";
      const short = name.join(", "), room = picture.step.x - 2;
      pen.fillText(pen.measureText(short).width <= room ? short : picture.others.filter(a => array.shape[a] > 1).map(a => place[a]).join(","), x, y - 7, room);
    }
    const rows = picture.rows < 0 ? 1 : array.shape[picture.rows];
    for (let row = 0; row < rows; row++) {
      if (picture.rows >= 0) place[picture.rows] = row;
      for (let column = 0; column < picture.width; column++) {
        if (picture.columns >= 0) place[picture.columns] = column;
        this.drawCell(pen, picture.box(place), array.data[array.flat(place)]);
      }
    }
    if (picture.wrap === picture.width) {
      pen.strokeStyle = colours().soft;
      pen.globalAlpha = 0.45;
      pen.lineWidth = 1;
      pen.strokeRect(x - 0.5, y - 0.5, picture.wrap * picture.cell.width + 1, picture.lines * picture.cell.height + 1);
      pen.globalAlpha = 1;
    }
  }

  drawCell(pen, box, value) {
    const colour = tint(this.array.largest && Number.isFinite(value) ? value / this.array.largest : 0);
    pen.fillStyle = `rgb(${colour})`;
    const seam = box.width > 9 ? 1 : 0;
    pen.fillRect(box.x, box.y, box.width - seam, box.height - seam);
    if (!this.picture.numbered) return;
    pen.fillStyle = isDark(colour) ? "#fff" : "#111";
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "right";
    pen.fillText(printed(value, DIGITS, this.array.whole), box.x + box.width - 5, box.y + box.height / 2, box.width - 8);
  }

  drawMarks(pen) {
    const { chosen, sources, readers: after } = this.marks;
    for (const place of after) this.outline(pen, place, { width: 1.5, dash: [3, 2], colour: colours().mark });
    for (const place of sources) {
      const outside = this.array.flat(place) < 0;
      if (outside) this.hatch(pen, place);
      this.outline(pen, place, { width: outside ? 1 : 1.5, dash: [], colour: colours().ink });
    }
    if (chosen) {
      this.outline(pen, chosen, { width: 5, dash: [], colour: colours().paper });
      this.outline(pen, chosen, { width: 2.5, dash: [], colour: colours().ink });
    }
  }

  /** Padding: a cell outside of the array, as far as there is room for it. */
  hatch(pen, place) {
    const box = this.picture.wrap === this.picture.width ? this.picture.box(place) : null;
    if (!box) return;
    pen.strokeStyle = colours().soft;
    pen.lineWidth = 1;
    pen.beginPath();
    for (let k = 3; k < box.width + box.height; k += 4) {
      pen.moveTo(box.x + Math.max(0, k - box.height), box.y + Math.min(k, box.height));
      pen.lineTo(box.x + Math.min(k, box.width), box.y + Math.max(0, k - box.width));
    }
    pen.stroke();
  }

  outline(pen, place, { width, dash, colour }) {
    if (!place.every(Number.isInteger)) return;
    const box = this.picture.box(place);
    if (!box) return;
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.setLineDash(dash);
    pen.strokeRect(box.x + 0.5, box.y + 0.5, box.width - 1.5, box.height - 1.5);
    pen.setLineDash([]);
  }

  placeOf(event) {
    const frame = this.canvas.getBoundingClientRect();
    return this.picture.placeAt(event.clientX - frame.left, event.clientY - frame.top);
  }

  pick(event) {
    const place = this.placeOf(event);
    if (place) this.choose(this.entry, place);
  }

  point(event) {
    const place = this.placeOf(event);
    this.hover.textContent = place ? `${at(place)} ${printed(this.array.at(place), DIGITS, this.array.whole)}` : "";
  }

  key(event) {
    const from = this.marks.chosen ?? this.array.shape.map(() => 0), place = [...from];
    const { rows, columns, count } = this.picture;
    const move = (axis, by) => {
      if (axis >= 0) place[axis] = Math.max(0, Math.min(this.array.shape[axis] - 1, place[axis] + by));
    };
    const turn = by => {
      const panel = Math.max(0, Math.min(count - 1, this.picture.panelOf(place) + by));
      const other = this.picture.panelPlace(panel);
      for (const axis of this.picture.others) place[axis] = other[axis];
    };
    const line = this.picture.wrap < this.picture.width ? this.picture.wrap : 0;
    const keys = {
      ArrowLeft: () => move(columns, -1), ArrowRight: () => move(columns, 1),
      ArrowUp: () => line ? move(columns, -line) : move(rows, -1),
      ArrowDown: () => line ? move(columns, line) : move(rows, 1),
      PageUp: () => turn(-1), PageDown: () => turn(1),
      Home: () => place.fill(0), End: () => place.forEach((_, axis) => { place[axis] = this.array.shape[axis] - 1; }),
      Enter: () => {}, " ": () => {},
    };
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
    this.choose(this.entry, place);
  }

  /** The numbers as a table, made when it is opened: a thousand of the pictures that are shown. */
  table() {
    const details = element("details", { class: "as-table", ontoggle: () => {
      if (details.open && details.children.length === 1) details.append(this.makeTable());
    } }, element("summary", {}, "As a table"));
    return details;
  }

  makeTable() {
    const { picture, array } = this, rows = [];
    for (let panel = picture.first; panel < picture.count && rows.length * picture.width < 1000; panel++) {
      const place = picture.panelPlace(panel);
      for (let row = 0; row < picture.height; row++) {
        if (picture.rows >= 0) place[picture.rows] = row;
        const head = array.shape.map((_, axis) => axis === picture.columns ? ":" : place[axis]);
        rows.push(element("tr", {}, element("th", { scope: "row" }, at(head) || "value"),
          Array.from({ length: Math.min(picture.width, 64) }, (_, column) => {
            if (picture.columns >= 0) place[picture.columns] = column;
            return element("td", {}, printed(array.at(place), DIGITS, array.whole));
          })));
      }
    }
    return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Numbers of ${this.entry.label}` },
      element("table", { class: "numbers" }, element("caption", {}, `${this.entry.name} ${at(this.axes)}`), element("tbody", {}, rows)));
  }
}
