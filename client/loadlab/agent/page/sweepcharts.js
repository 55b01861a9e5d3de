/**
 * Throughput and latency against the load of each stage: two panels over one axis.
 *
 * A stage that the client limited is a hollow triangle with ≥ and belongs to no line: it says what this client could
 * do, at least that much, and never what the target can; nor are its latencies the target's. A suspect one is a hollow
 * circle with ?.
 */

import { Panel } from "./panel.js";
import { isOver } from "./run.js";
import { WORKLOADS } from "./traits.js";
import { inMs } from "./units.js";
import { knownRate, load, mark } from "./words.js";

const HEIGHT = 230;
const LOG_FROM = 8;
const NUMBERS = [
  "x", "throughput", "least", "bound", "makespan", "predicted", "solid",
  "p50", "p95", "p99", "own_p50", "own_p95", "own_p99",
];

const LATENCY = {
  title: "Latency", unit: "ms",
  lines: [
    { column: "p50", path: "own_p50", label: "p50", colour: "p50" },
    { column: "p95", path: "own_p95", label: "p95", colour: "p95", dash: "dashed" },
    { column: "p99", path: "own_p99", label: "p99", colour: "p99" },
  ],
  sign: "doubt", keep: ["p50", "p95", "p99"],
};
const THROUGHPUT = {
  title: "Throughput", unit: "per second",
  lines: [
    { column: "throughput", label: "achieved", colour: "achieved" },
    { column: "least", label: "at least", colour: "suspect", dash: "mark" },
    { column: "bound", label: "bound", colour: "limit", dash: "dashed", bare: true },
  ],
  sign: "sign",
};
const COST = {
  title: "Cost time", unit: "s, from the barrier to the last reply",
  lines: [
    { column: "makespan", label: "measured", colour: "achieved" },
    { column: "predicted", label: "predicted", colour: "limit", dash: "dashed", bare: true },
  ],
  sign: "doubt",
};

export class SweepCharts {
  /** @param {HTMLElement} parent */
  constructor(parent) {
    this.parent = parent;
    this.drawn = null;
    this.panels = [];
  }

  /** @param {Run} run */
  show(run) {
    const points = run.plan.stages
      .map((planned, index) => ({ planned, stage: run.stages[index] }))
      .filter(({ stage }) => stage !== undefined)
      .map(({ planned, stage }) => point(planned, stage))
      .sort((one, other) => one.x - other.x);
    const all = run.plan.stages.map(position);
    const log = Math.max(...all) / Math.min(...all) >= LOG_FROM;
    this.make(run, log);
    const axis = { ...range(all, log), ticks: run.plan.stages.map((stage) => ({ at: position(stage), label: tick(stage) })) };
    this.points = points;
    const columns = Object.fromEntries(NUMBERS.map((name) => [name, points.map((row) => row[name] ?? NaN)]));
    for (const name of ["shape", "sign", "doubt"]) columns[name] = points.map((row) => row[name]);
    const none = isOver(run) ? "No stage of this run has ended." : "Stages appear here as they finish.";
    for (const panel of this.panels) panel.update(columns, axis, { none, keep: panel.spec.keep });
  }

  paint() {
    for (const panel of this.panels) panel.paint();
  }

  /** Axes are of the run: another kind of run gets panels of its own. */
  make(run, log) {
    const { workload } = run.plan;
    const kind = `${workload} ${log}`;
    if (this.drawn === kind) return;
    this.drawn = kind;
    this.parent.replaceChildren();
    const { many, at_once: atOnce } = WORKLOADS[workload];
    this.panels = [atOnce ? COST : THROUGHPUT, LATENCY].map((spec) => new Panel(this.parent, {
      ...spec, title: `${spec.title} against ${many}`, height: HEIGHT, points: true, log,
      at: (_, place) => load(this.points[place].label, workload),
    }));
    Panel.together(this.panels);
  }
}

function point(planned, stage) {
  const limited = stage.client_limited;
  const [p50, p95, p99] = ["p50", "p95", "p99"].map((name) => inMs(stage.latency_ns[name]));
  const own = (value) => (limited ? null : value);
  const doubt = mark(stage);
  const theory = stage.theory;
  return {
    x: position(planned),
    label: stage.label,
    throughput: own(knownRate(stage)),
    least: limited ? knownRate(stage) : null,
    bound: theory?.bound_hz,
    p50, p95, p99, own_p50: own(p50), own_p95: own(p95), own_p99: own(p99),
    makespan: stage.makespan_ns === null ? null : stage.makespan_ns / 1e9,
    predicted: theory?.makespan_ns ? theory.makespan_ns / 1e9 : null,
    shape: limited ? "triangle" : stage.state === "invalid" ? "x" : "circle",
    solid: stage.state === "valid" ? 1 : 0,
    doubt,
    sign: limited ? "≥" : doubt,
  };
}

/** The place of a stage on the axis; a ramp stands at the middle of its rates. */
function position(stage) {
  if (stage.rate_hz === undefined || stage.rate_hz === null) return stage.concurrency ?? stage.requests;
  return (stage.rate_hz + (stage.rate_to_hz ?? stage.rate_hz)) / 2;
}

function tick(stage) {
  return (stage.rate_to_hz ?? null) !== null ? `${stage.rate_hz}:${stage.rate_to_hz}` : String(position(stage));
}

function range(all, log) {
  const [least, most] = [Math.min(...all), Math.max(...all)];
  if (log) return { start: least / 1.25, end: most * (most / least) ** 0.08 };
  const room = Math.max((most - least) * 0.08, most * 0.05);
  return { start: Math.max(0, least - room), end: most + room };
}
