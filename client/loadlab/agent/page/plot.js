/**
 * One plot drawn by BokehJS: columns in, lines and points out. Everything that knows Bokeh is in this file.
 *
 * It needs of the agent: /static/bokeh.min.js, and a Content-Security-Policy that lets BokehJS put style elements into
 * its shadow roots (style-src 'unsafe-inline'). It makes no code at run time: script-src 'self' is enough.
 *
 * Bokeh's own tools, legends and tooltips are not used: they would take touches that scroll the page, could not be
 * reached by keyboard, and would not follow the page's colours.
 */

import { colour } from "./theme.js";
import { ticks } from "./ticks.js";

const FONT = "system-ui, sans-serif";
const HEADROOM = 1.12;
const FOOTROOM = 0.04; // or a mark near zero is cut in half
const LABEL_ROOM = 0.08;
const MOST_UP = 5;
const MOST_ACROSS = 6;

/** @typedef {Object} Line
 * @property {string} column
 * @property {string} label
 * @property {string} colour a name of theme.js
 * @property {?string} dash "dashed", or "mark" for marks without a line
 * @property {?string} path the column of the line itself, where it leaves out some of the marks
 * @property {?boolean} bare no marks but a dash at each row
 */

globalThis.Bokeh?.set_log_level("error");

/** @returns {boolean} whether the library is there; without it the page shows its figures and tables alone */
export function available() {
  return globalThis.Bokeh !== undefined;
}

export class Plot {
  /**
   * @param {HTMLElement} holder
   * @param {{lines: Line[], height: number, points: boolean, log: ?boolean, sign: ?string, across: ?string}} spec with `points` each row
   *   is drawn as a mark: of the shape in its column `shape`, filled as `solid` says, with the text of the column `sign`
   *   names beside it; `across` is the unit of the x axis. What comes later in `lines` lies on top
   */
  constructor(holder, spec) {
    const models = globalThis.Bokeh.Models;
    this.spec = spec;
    this.models = models;
    this.rows = new models.ColumnDataSource({ data: {} });
    this.lone = new Map();
    this.stages = new models.ColumnDataSource({ data: { at: [], top: [], label: [] } });
    this.bands = new models.ColumnDataSource({ data: { from: [], to: [] } });
    this.painted = [];
    this.x = new models.Range1d({ start: 0, end: 1 });
    this.y = new models.Range1d({ start: 0, end: 1 });
    this.plot = new models.Plot({
      x_range: this.x, y_range: this.y, x_scale: spec.log ? new models.LogScale() : new models.LinearScale(),
      sizing_mode: "stretch_width", height: spec.height, toolbar_location: null, outline_line_color: null,
      background_fill_color: null, border_fill_color: null, min_border_left: 52, min_border_right: 14,
      min_border_top: 6, min_border_bottom: 22, lod_threshold: null,
    });
    this.axes();
    this.bandsAndStages();
    for (const line of spec.lines) this.line(line);
    this.cursor = new models.Span({ dimension: "height", location: null, line_width: 1 });
    this.plot.add_layout(this.cursor);
    this.paint();
    const document = new (globalThis.Bokeh.require("document").Document)();
    document.add_root(this.plot);
    globalThis.Bokeh.embed.add_document_standalone(document, holder);
  }

  /** @param {(x: ?number) => void} told where the pointer is, in data; null where it left */
  onPoint(told) {
    this.plot.on_event("mousemove", (event) => told(event.x));
    this.plot.on_event("mouseleave", () => told(null));
  }

  /**
   * Draw these rows.
   * @param {Object<string, Array>} columns with `x`
   * @param {{start: number, end: number, ticks: ?{at: number, label: string}[]}} x
   * @param {{at: number, label: string}[]} marks vertical lines with a label on top
   * @param {{from: number, to: number}[]} bands
   */
  update(columns, x, marks = [], bands = []) {
    let highest = 0;
    for (const { column } of this.spec.lines) {
      for (const value of columns[column]) if (value > highest) highest = value;
    }
    const top = highest > 0 ? highest * HEADROOM : 1;
    this.rows.data = columns;
    this.bands.data = { from: bands.map((band) => band.from), to: bands.map((band) => band.to) };
    for (const [column, source] of this.lone) source.data = alone(columns.x, columns[column]);
    this.stages.data = {
      at: marks.map((mark) => mark.at),
      top: marks.map(() => top),
      label: thinned(marks, (x.end - x.start) * LABEL_ROOM),
    };
    this.x.setv({ start: x.start, end: x.end });
    this.y.setv({ start: this.spec.points ? -top * FOOTROOM : 0, end: top });
    name(this.left, ticks(0, top, MOST_UP));
    name(this.below, x.ticks ?? ticks(x.start, x.end, MOST_ACROSS, this.spec.across));
  }

  /** @param {?number} x where to draw the cursor */
  pointAt(x) {
    this.cursor.location = x;
  }

  /** Take the colours of the page as they are now. */
  paint() {
    for (const [model, properties] of this.painted) {
      model.setv(Object.fromEntries(
        Object.entries(properties).map(([name, as]) => [name, as.vector ? { value: colour(as.vector) } : colour(as)])));
    }
    this.cursor.line_color = colour("ink");
  }

  axes() {
    const { models, spec } = this;
    const common = {
      axis_line_color: null, major_tick_line_color: null, minor_tick_line_color: null,
      major_label_text_font: FONT, major_label_text_font_size: "11px",
    };
    const fixed = () => ({ ...common, ticker: new models.FixedTicker({ ticks: [] }) });
    this.left = new models.LinearAxis(fixed());
    this.below = new (spec.log ? models.LogAxis : models.LinearAxis)({
      ...fixed(), major_label_policy: new models.NoOverlap(),
    });
    this.plot.add_layout(this.left, "left");
    this.plot.add_layout(this.below, "below");
    const grid = new models.Grid({ dimension: 1, axis: this.left });
    this.plot.add_layout(grid);
    this.painted.push([this.left, { major_label_text_color: "muted" }], [this.below, { major_label_text_color: "muted" }],
      [grid, { grid_line_color: "line" }]);
  }

  bandsAndStages() {
    const { models } = this;
    const strip = new models.VStrip({ x0: { field: "from" }, x1: { field: "to" }, line_color: { value: null } });
    const edge = new models.VSpan({ x: { field: "at" }, line_dash: { value: "dotted" } });
    const name = new models.Text({
      x: { field: "at" }, y: { field: "top" }, text: { field: "label" }, x_offset: { value: 4 }, y_offset: { value: 1 },
      text_baseline: { value: "top" }, text_font: { value: FONT }, text_font_size: { value: "11px" },
    });
    this.plot.add_glyph(strip, this.bands);
    this.plot.add_glyph(edge, this.stages);
    this.plot.add_glyph(name, this.stages);
    this.painted.push([strip, { fill_color: { vector: "band" } }], [edge, { line_color: { vector: "faint" } }],
      [name, { text_color: { vector: "muted" } }]);
  }

  line(line) {
    const { models, spec } = this;
    const [x, y, painted] = [{ field: "x" }, { field: line.column }, { vector: line.colour }];
    if (line.dash !== "mark") {
      const path = new models.Line({
        x, y: { field: line.path ?? line.column }, line_width: { value: 2 }, line_join: { value: "round" },
        line_dash: { value: line.dash ?? "solid" },
      });
      this.plot.add_glyph(path, this.rows);
      this.painted.push([path, { line_color: painted }]);
    }
    if (!spec.points) this.loneDots(line);
    if (!spec.points) return;
    if (line.bare) {
      const dash = new models.Scatter({ x, y, size: { value: 22 }, marker: { value: "dash" }, line_width: { value: 2 } });
      this.plot.add_glyph(dash, this.rows);
      this.painted.push([dash, { line_color: painted }]);
      return;
    }
    const dot = new models.Scatter({
      x, y, size: { value: 9 }, marker: { field: "shape" }, line_width: { value: 2 }, fill_alpha: { field: "solid" },
    });
    const sign = new models.Text({
      x, y, text: { field: spec.sign }, x_offset: { value: 9 }, text_baseline: { value: "middle" },
      text_font: { value: FONT }, text_font_size: { value: "14px" }, text_font_style: { value: "bold" },
    });
    this.plot.add_glyph(dot, this.rows);
    this.plot.add_glyph(sign, this.rows);
    this.painted.push([dot, { line_color: painted, fill_color: painted }], [sign, { text_color: painted }]);
  }
  /** A value between two gaps makes no line. */
  loneDots(line) {
    const source = new this.models.ColumnDataSource({ data: { x: [], y: [] } });
    const dot = new this.models.Scatter({
      x: { field: "x" }, y: { field: "y" }, size: { value: 5 }, line_color: { value: null },
    });
    this.plot.add_glyph(dot, source);
    this.lone.set(line.column, source);
    this.painted.push([dot, { fill_color: { vector: line.colour } }]);
  }
}

/** @param {Object} axis @param {{at: number, label: string}[]} marks */
function name(axis, marks) {
  axis.ticker.ticks = marks.map(({ at }) => at);
  axis.major_label_overrides = new Map(marks.map(({ at, label }) => [at, label]));
}

function alone(x, values) {
  const kept = [...values.keys()].filter((place) => (
    !Number.isNaN(values[place]) && !(values[place - 1] >= 0) && !(values[place + 1] >= 0)));
  return { x: kept.map((place) => x[place]), y: kept.map((place) => values[place]) };
}

/** The labels of marks, without those that would lie over one another. */
function thinned(marks, room) {
  let last = -Infinity;
  return marks.map(({ at, label }) => {
    if (at - last < room) return "";
    last = at;
    return label;
  });
}
