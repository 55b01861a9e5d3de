/** A stage's requests by name, the slowest first, and its journeys: of the stage that is chosen, at first the last. */

import { make } from "./dom.js";
import { count, figure, inMs, showSpan } from "./units.js";
import { load } from "./words.js";

const LATENCIES = ["p50", "p95", "p99", "max"];
const MOST_REASONS = 5;

export class Names {
  /** @param {HTMLElement} holder */
  constructor(holder) {
    this.holder = holder;
    this.of = null;
    this.chosen = null;
  }

  /** @param {Run} run */
  show(run) {
    if (this.of !== run) Object.assign(this, { of: run, chosen: null });
    const stages = run.stages.filter((stage) => stage && (stage.by_name?.length || stage.journeys?.length));
    this.holder.hidden = stages.length === 0;
    if (this.holder.hidden) return;
    const stage = stages.find(({ label }) => label === this.chosen) ?? stages.at(-1);
    const parts = [make("h3", {}, "By name"), this.choice(run, stages, stage)];
    if (stage.by_name.length) parts.push(table("Requests by name", NAMES, stage.by_name));
    if (stage.journeys.length) parts.push(make("h3", {}, "Journeys"), table("Journeys", JOURNEYS, stage.journeys));
    this.holder.replaceChildren(...parts.filter(Boolean), ...failures(stage.journeys));
  }

  choice(run, stages, stage) {
    if (stages.length === 1) return null;
    const options = stages.map(({ label }) => (
      make("option", { value: label, selected: label === stage.label }, load(label, run.plan.workload))));
    const select = make("select", { id: "names-stage" }, ...options);
    select.addEventListener("change", () => {
      this.chosen = select.value;
      this.show(run);
      document.getElementById("names-stage").focus();
    });
    return make("p", {}, make("label", { for: "names-stage" }, "Stage "), select);
  }
}

const NAMES = [
  { name: "name", cell: ({ name }) => name },
  { name: "requests", cell: ({ counts }) => count(counts.scheduled) },
  { name: "errors", cell: ({ counts }) => count(counts.scheduled - counts.ok) },
  { name: "rate", unit: "/s", cell: ({ throughput_hz: rate }) => figure(rate) },
  ...LATENCIES.map((quantile) => (
    { name: quantile, unit: "ms", cell: ({ latency_ns: latency }) => figure(inMs(latency[quantile])) })),
  { name: "outside", unit: "ms", cell: ({ time_outside_target_ns: outside }) => figure(inMs(outside?.p50)) },
];

const JOURNEYS = [
  { name: "journey", cell: ({ name }) => name },
  { name: "began", cell: ({ started }) => count(started) },
  { name: "finished", cell: ({ finished }) => count(finished) },
  { name: "failed", cell: ({ failed }) => count(failed.reduce((sum, each) => sum + each.count, 0)) },
  { name: "cut", cell: ({ cut }) => count(cut) },
  ...["p50", "p95", "max"].map((quantile) => (
    { name: quantile, cell: ({ duration_ns: took }) => showSpan(took[quantile]) })),
];

function table(title, columns, rows) {
  const head = columns.map(({ name, unit }) => (
    make("th", { scope: "col" }, name, ...(unit ? [make("small", {}, unit)] : []))));
  const body = rows.map((row) => make("tr", {}, ...columns.map(({ cell }, place) => (
    make(place ? "td" : "th", { scope: place ? null : "row" }, cell(row))))));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
    make("table", { class: "names" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)));
}

function failures(journeys) {
  return journeys.flatMap(({ name, failed }) => failed.slice(0, MOST_REASONS).map((failure) => {
    const line = `${name} failed ${count(failure.count)} times: ${failure.reason}`;
    if (!failure.traceback) return make("p", { class: "hint" }, line);
    return make("details", {}, make("summary", {}, line), make("pre", {}, failure.traceback));
  }));
}
