/**
 * A chart with its title, unit and legend. The legend is text: it names each line and says its value at the cursor,
 * which follows the pointer, or the arrow keys where the chart has the focus.
 */

import { make, text } from "./dom.js";
import { Plot, available } from "./plot.js";
import { figure } from "./units.js";

export class Panel {
  /**
   * @param {HTMLElement} parent
   * @param {{title: string, unit: string, lines: Line[], at: (x: number) => string}} spec of a plot, and `at`: how a
   *   place on the x axis is written
   */
  constructor(parent, spec) {
    this.spec = spec;
    this.columns = null;
    this.place = null;
    this.live = false;
    this.followers = [this];
    this.at = make("span", { class: "at" });
    this.values = spec.lines.map(() => make("output", {}));
    this.chips = spec.lines.map((line, place) => make(
      "span", { class: `chip ${line.dash ?? "solid"}`, "data-colour": line.colour }, line.label, " ", this.values[place]));
    this.holder = make("div", { class: "plot" });
    this.none = make("p", { class: "hint none" });
    this.figure = make(
      "figure", { class: "panel chart" },
      make("figcaption", {}, make("h3", {}, spec.title, " ", make("small", {}, spec.unit)), this.at,
        make("div", { class: "legend" }, ...this.chips)),
      this.none, this.holder);
    parent.append(this.figure);
    this.plot = null;
    this.holder.addEventListener("keydown", (event) => this.keyed(event));
    this.holder.addEventListener("blur", () => this.tell(null));
  }

  /** Let several panels with the same rows have one cursor. @param {Panel[]} panels */
  static together(panels) {
    for (const panel of panels) panel.followers = panels;
  }

  /**
   * @param {Object<string, Array>} columns with `x`
   * @param {Object} x the range, as `Plot.update` takes it
   * @param {{none: string, live: ?boolean, keep: ?string[], marks: ?Object[], bands: ?Object[]}} more what to say where
   *   there is nothing to draw; whether the last row is what is now, to be read without a cursor; the columns that the
   *   legend names although nothing of them can be told
   */
  update(columns, x, { none, live = false, keep = [], marks = [], bands = [] }) {
    this.live = live;
    const there = this.spec.lines.map((line) => columns[line.column].some((value) => !Number.isNaN(value)));
    const empty = !there.some(Boolean);
    this.chips.forEach((chip, index) => {
      chip.hidden = !there[index] && !keep.includes(this.spec.lines[index].column);
    });
    this.holder.hidden = empty;
    this.none.hidden = !empty;
    text(this.none, empty ? none : "");
    this.columns = columns;
    if (empty) return;
    if (!available()) {
      this.holder.hidden = true;
      this.none.hidden = false;
      text(this.none, "The chart library could not be loaded; figures and table are complete without it.");
    } else {
      this.plot ??= this.made();
      this.plot.update(columns, x, marks, bands);
    }
    this.describe();
    this.read(this.place);
  }

  paint() {
    this.plot?.paint();
  }

  made() {
    this.holder.tabIndex = 0;
    this.holder.setAttribute("role", "img");
    const plot = new Plot(this.holder, this.spec);
    plot.onPoint((x) => this.tell(x === null ? null : nearest(this.columns.x, x)));
    return plot;
  }

  /**
   * Say what is now, which may be later than what is drawn, where there is no cursor.
   * @param {Object<string, number>} row
   */
  now(row) {
    if (this.columns === null || this.place !== null) return;
    text(this.at, "now");
    this.spec.lines.forEach((line, index) => text(this.values[index], figure(row[line.column])));
  }

  /** Show the values of a row here and in the neighbouring panels; null: of the last. */
  tell(place) {
    for (const panel of this.followers) panel.read(place);
  }

  read(place) {
    if (this.columns === null) return;
    const { x } = this.columns;
    this.place = place !== null && place < x.length && !Number.isNaN(x[place]) ? place : null;
    const shown = this.place ?? (this.live ? lastOf(x) : null);
    text(this.at, this.place !== null ? this.spec.at(x[shown], shown) : this.live ? "now" : "");
    this.spec.lines.forEach((line, index) => {
      text(this.values[index], shown === null ? "" : figure(this.columns[line.column][shown]));
    });
    this.plot?.pointAt(this.place === null ? null : x[this.place]);
    if (document.activeElement === this.holder) this.describe();
  }

  keyed(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (event.key === "Escape") this.tell(null);
    if (!(event.key in moves) || this.columns === null) return;
    event.preventDefault();
    const { x } = this.columns;
    const there = x.map((_, place) => place).filter((place) => !Number.isNaN(x[place]));
    const now = there.indexOf(this.place ?? lastOf(x));
    this.tell(there[Math.min(Math.max(now + moves[event.key], 0), there.length - 1)]);
  }

  describe() {
    const told = this.spec.lines.flatMap((line, index) => (
      this.chips[index].hidden ? [] : [`${line.label} ${this.values[index].textContent}`]));
    const at = this.at.textContent || "lines";
    this.holder.setAttribute(
      "aria-label", `${this.spec.title}, ${this.spec.unit}. ${at}: ${told.join(", ")}. Arrow keys move the cursor.`);
  }
}

function lastOf(x) {
  for (let place = x.length - 1; place >= 0; place -= 1) if (!Number.isNaN(x[place])) return place;
  return null;
}

function nearest(x, wanted) {
  let best = null;
  x.forEach((value, place) => {
    if (!Number.isNaN(value) && (best === null || Math.abs(value - wanted) < Math.abs(x[best] - wanted))) best = place;
  });
  return best;
}
