/** The stages of a run in figures: the columns of the terminal's table. */

import { make } from "./dom.js";
import { WORKLOADS } from "./traits.js";
import { DASH, count, figure, inMs, share, showSpan } from "./units.js";
import { OPEN_SHARE, TOO_FEW, clientsLimit, errors, knownRate, legend, mark, openShare, stateWords } from "./words.js";

const LATENCIES = ["p50", "p90", "p95", "p99", "max"];

/** @param {HTMLElement} holder @param {Run} run */
export function showTable(holder, run) {
  const stages = run.stages.filter(Boolean);
  holder.hidden = stages.length === 0;
  if (holder.hidden) return;
  const { at_once: atOnce, column } = WORKLOADS[run.plan.workload];
  const columns = atOnce ? makespans(column) : rates(column);
  const head = make("tr", {}, ...columns.map(({ name, unit }) => (
    make("th", { scope: "col" }, name, ...(unit ? [make("small", {}, unit)] : [])))));
  const rows = stages.map((stage) => make("tr", { class: stage.state }, ...columns.map(({ cell }, place) => {
    const { words, why } = cell(stage);
    return make(place ? "td" : "th", { scope: place ? null : "row", title: why ?? null }, words);
  })));
  holder.replaceChildren(
    make("h3", {}, "Stages"),
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Stages in figures" },
      make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))),
    ...legend(run.plan, stages).map((line) => make("p", { class: "hint" }, line)));
}

function rates(column) {
  return [
    { name: column, cell: named },
    { name: "requests", cell: (stage) => told(count(stage.counts.scheduled)) },
    { name: "errors", cell: (stage) => told(count(errors(stage))) },
    { name: "rate", unit: "/s", cell: rate },
    { name: "in flight", cell: (stage) => told(figure(stage.in_flight_mean), stage.unknown?.in_flight_mean) },
    ...LATENCIES.map(latency),
    { name: "bound", unit: "/s", cell: (stage) => told(figure(stage.theory?.bound_hz)) },
    { name: "of it", cell: ofBound },
  ];
}

function makespans(column) {
  return [
    { name: column, cell: named },
    { name: "errors", cell: (stage) => told(count(errors(stage))) },
    { name: "Cost time", cell: (stage) => told(showSpan(stage.makespan_ns)) },
    { name: "predicted", cell: predicted },
    { name: "ratio", cell: (stage) => told(figure(ratio(stage))) },
    { name: "rate", unit: "/s", cell: rate },
    ...LATENCIES.map(latency),
  ];
}

function named(stage) {
  return told(`${mark(stage)}${stage.label}`, stateWords(stage));
}

function rate(stage) {
  return clientsLimit(stage)
    ? told(`≥${figure(knownRate(stage))}`, stateWords(stage))
    : told(figure(knownRate(stage)), stage.unknown?.throughput_hz);
}

function latency(quantile) {
  return {
    name: quantile,
    unit: "ms",
    cell: (stage) => {
      const words = figure(inMs(stage.latency_ns[quantile]));
      const unanswered = stage.findings.find((finding) => finding.name === "unanswered");
      return told(words, words === DASH ? unanswered?.message ?? TOO_FEW : null);
    },
  };
}

function ofBound(stage) {
  if (clientsLimit(stage)) return told(DASH, "the target was never asked for more than the client could send");
  return told(share(stage.theory?.bound_ratio), openShare(stage) ? OPEN_SHARE : null);
}

function predicted(stage) {
  const least = stage.theory?.makespan_is_lower_bound ? "≥ " : "";
  return told(`${least}${showSpan(stage.theory?.makespan_ns)}`);
}

function ratio(stage) {
  return stage.makespan_ns && stage.theory?.makespan_ns ? stage.makespan_ns / stage.theory.makespan_ns : null;
}

function told(words, why = null) {
  return { words, why };
}
