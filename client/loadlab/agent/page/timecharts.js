/** What moves while a run goes on, over load time: throughput, latency, requests in flight, the target's threads. */

import { Panel } from "./panel.js";
import { isOver } from "./run.js";
import { figure } from "./units.js";

const HEIGHT = 190;
const LEAST_S = 10; // or the first seconds would race
const LEAST_OVER_S = 1;

const SPECS = [
  {
    title: "Throughput", unit: "responses/s, and errors/s",
    lines: [
      { column: "achieved", label: "achieved", colour: "achieved" },
      { column: "offered", label: "offered", colour: "limit", dash: "dashed" },
      { column: "errors", label: "errors", colour: "error", dash: "dashed" },
    ],
  },
  {
    title: "Latency", unit: "ms, of each second",
    lines: [
      { column: "p50", label: "p50", colour: "p50" },
      { column: "p95", label: "p95", colour: "p95", dash: "dashed" },
      { column: "p99", label: "p99", colour: "p99" },
    ],
    none: "Too few replies in each second for a percentile: p50 needs 4, p95 73, p99 381.",
  },
  {
    title: "In flight", unit: "requests",
    lines: [
      { column: "in_flight", label: "in flight", colour: "achieved" },
      { column: "users", label: "of", colour: "limit", dash: "dashed" },
    ],
  },
  {
    title: "Target", unit: "threads and what waits for one",
    lines: [
      { column: "busy", label: "busy threads", colour: "busy" },
      { column: "slots", label: "slots", colour: "limit", dash: "dashed" },
      { column: "queue", label: "thread queue", colour: "queue" },
    ],
    none: "Not available for this target; a target that the lab starts has it.",
  },
];

export class TimeCharts {
  /** @param {HTMLElement} parent */
  constructor(parent) {
    this.panels = SPECS.map((spec) => new Panel(parent, {
      ...spec, height: HEIGHT, points: false, across: "s", at: (x) => `at ${figure(x)} s`,
    }));
    Panel.together(this.panels);
  }

  /** @param {Run} run */
  show(run) {
    const { t, ...columns } = run.series.columns();
    if (!columns.errors.some((rate) => rate > 0)) columns.errors.fill(NaN);
    const end = t.reduce((most, value) => (value > most ? value : most), isOver(run) ? LEAST_OVER_S : LEAST_S);
    const x = { start: 0, end };
    const keep = run.sliced ? ["p50", "p99"] : ["p50", "p95", "p99"];
    for (const [index, panel] of this.panels.entries()) {
      const none = t.length ? SPECS[index].none ?? "No data." : "Waiting for the first figures …";
      panel.update({ x: t, ...columns }, x, { marks: run.marks, bands: run.warmups, none, keep, live: !isOver(run) });
    }
  }

  /** Say the moment of the big numbers in the legends, between two drawings too. @param {Run} run */
  now(run) {
    const row = run.tick ? run.series.last() : null;
    if (row === null) return;
    for (const panel of this.panels) panel.now(row);
  }

  paint() {
    for (const panel of this.panels) panel.paint();
  }
}
