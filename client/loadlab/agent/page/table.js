/** The stages of a run in figures: the columns of the terminal's table. */

import { make } from "./dom.js";
import { WORKLOADS } from "./traits.js";
import { DASH, count, figure, inMs, share, showSpan } from "./units.js";
import { errors, knownRate, mark, sentences, stateOf } from "./words.js";

const LATENCIES = ["p50", "p90", "p95", "p99", "max"];

/** @param {HTMLElement} holder @param {Run} run */
export function showTable(holder, run) {
  const stages = run.stages.filter(Boolean);
  holder.hidden = stages.length === 0;
  if (holder.hidden) return;
  const { at_once: atOnce, column } = WORKLOADS[run.plan.workload];
  const columns = atOnce ? makespans(run.text, column) : rates(run.text, column);
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
    ...sentences(run.text, "state", "legend").map((line) => make("p", { class: "hint" }, line)));
}

function rates(text, column) {
  return [
    { name: column, cell: named(text) },
    { name: "requests", cell: (stage) => told(count(stage.counts.scheduled)) },
    { name: "errors", cell: (stage) => told(count(errors(stage))) },
    { name: "rate", unit: "/s", cell: rate(text) },
    { name: "in flight", cell: (stage) => told(figure(stage.in_flight_mean), stage.unknown.in_flight_mean) },
    ...LATENCIES.map(latency),
    { name: "bound", unit: "/s", cell: (stage) => told(figure(stage.theory?.bound_hz)) },
    { name: "% of bound", cell: ofBound },
  ];
}

function makespans(text, column) {
  return [
    { name: column, cell: named(text) },
    { name: "errors", cell: (stage) => told(count(errors(stage))) },
    { name: "Cost time", cell: (stage) => told(showSpan(stage.makespan_ns)) },
    { name: "predicted", cell: predicted },
    { name: "ratio", cell: (stage) => told(figure(ratio(stage))) },
    { name: "rate", unit: "/s", cell: rate(text) },
    ...LATENCIES.map(latency),
  ];
}

function named(text) {
  return (stage) => told(`${mark(stage)}${stage.label}`, stateOf(text, stage));
}

function rate(text) {
  return (stage) => (stage.client_limited
    ? told(`≥${figure(knownRate(stage))}`, stateOf(text, stage))
    : told(figure(knownRate(stage)), stage.unknown.throughput_hz));
}

function latency(quantile) {
  return {
    name: quantile,
    unit: "ms",
    cell: (stage) => {
      const words = figure(inMs(stage.latency_ns[quantile]));
      return told(words, words === DASH ? stage.unknown.latency_ns : null);
    },
  };
}

function ofBound(stage) {
  return told(share(stage.theory?.bound_ratio), stage.unknown.bound_ratio);
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
