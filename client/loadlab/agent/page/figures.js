/** The big numbers: of the last second while a stage goes on, else of the stage that says most. */

import { make, text } from "./dom.js";
import { label, size } from "./run.js";
import { WORKLOADS } from "./traits.js";
import { DASH, count, figure, showSpan, span } from "./units.js";
import { errors, knownRate, load, stateOf } from "./words.js";

const NAMES = [
  ["throughput", "Throughput", "achieved"],
  ["p50", "Latency p50", "p50"],
  ["p95", "Latency p95", "p95"],
  ["p99", "Latency p99", "p99"],
  ["errors", "Errors", "error"],
  ["in_flight", "In flight", "achieved"],
  ["busy", "Busy threads", "busy"],
  ["queue", "Thread queue", "queue"],
];
const UNTOLD = "not available for this target";

export class Figures {
  /** @param {HTMLElement} list @param {HTMLElement} caption */
  constructor(list, caption) {
    this.caption = caption;
    this.tiles = Object.fromEntries(NAMES.map(([key, name, colour]) => {
      const tile = { name: make("dt", {}), value: make("b", {}), unit: make("small", {}), note: make("span", {}), box: null };
      tile.box = make("div", { class: "tile", "data-colour": colour, "data-figure": key }, tile.name,
        make("dd", {}, make("span", { class: "value" }, tile.value, tile.unit), tile.note));
      list.append(tile.box);
      tile.usual = name;
      return [key, tile];
    }));
  }

  /** @param {Run} run */
  show(run) {
    const stage = telling(run);
    const shown = run.tick ? live(run) : stage ? measured(run, stage) : nothing();
    text(this.caption, shown.caption);
    for (const [key, tile] of Object.entries(this.tiles)) {
      const [value, unit, note, { alarming = false, name = tile.usual } = {}] = shown[key];
      text(tile.name, name);
      text(tile.value, value);
      text(tile.unit, unit ? ` ${unit}` : "");
      text(tile.note, note);
      tile.box.classList.toggle("alarming", alarming);
    }
  }
}

/**
 * The last stage while the run goes on; of one that is over, that with the most throughput of the target; of batches, the
 * last.
 */
function telling(run) {
  const stages = run.stages.filter(Boolean);
  const own = stages.filter(isTargets);
  if (run.phase !== "over" || !own.length) return stages.at(-1);
  if (WORKLOADS[run.plan.workload].at_once) return own.at(-1);
  return own.reduce((best, stage) => (stage.throughput_hz > best.throughput_hz ? stage : best));
}

/** @returns {boolean} whether its throughput is what the target can do: replies that all failed are not */
function isTargets(stage) {
  return stage.state !== "invalid" && stage.counts.ok > 0;
}

function live(run) {
  const { tick } = run;
  const planned = run.plan.stages[run.index];
  const counted = tick.phase === "warm-up" ? "warm-up, not counted" : tick.phase;
  const quantile = (ns) => [...span(ns), ns === null ? "too few replies" : "of the last second"];
  const lost = tick.dropped ? `, ${count(tick.dropped)} of them dropped` : "";
  return {
    caption: `Now, ${load(label(planned), run.plan.workload)}: ${counted}`,
    throughput: rate(tick),
    p50: quantile(tick.p50_ns),
    p95: quantile(tick.p95_ns),
    p99: quantile(tick.p99_ns),
    errors: [count(tick.errors), "", `of this stage so far${lost}`, { alarming: tick.errors > 0 }],
    in_flight: [count(tick.in_flight), "", most(run, planned)],
    busy: tick.busy_threads === null
      ? [DASH, "", UNTOLD]
      : [figure(tick.busy_threads), "", tick.slots ? `of ${count(tick.slots)}` : "threads without a limit"],
    queue: tick.thread_queue === null ? [DASH, "", UNTOLD] : [figure(tick.thread_queue), "", "waiting for a thread"],
  };
}

/** As on the chart: what comes while it drains was due before, and no load makes it. */
function rate(tick) {
  if (tick.phase === "draining") return [DASH, "", "the load has ended"];
  const offered = tick.offered_hz === null ? "of the last second" : `of ${figure(tick.offered_hz)}/s offered`;
  return [figure(tick.rate_hz), "responses/s", offered];
}

function most(run, planned) {
  const limit = run.plan.max_in_flight;
  if (WORKLOADS[run.plan.workload].has_schedule) return limit ? `${count(limit)} at most` : "without a limit";
  return `of ${load(count(size(planned)), run.plan.workload)}`;
}

function measured(run, stage) {
  const limited = stage.client_limited;
  const { latency_ns: latency, target, theory } = stage;
  const quantile = (ns) => [...span(ns), ns === null ? stage.unknown.latency_ns ?? "" : "of the stage"];
  const bound = theory?.bound_hz ? `of ${figure(theory.bound_hz)}/s that the threads allow` : "of the stage";
  const slots = target?.workers && target?.threads ? target.workers * target.threads : null;
  const batch = WORKLOADS[run.plan.workload].at_once;
  const several = !batch && run.phase === "over" && run.stages.filter(Boolean).length > 1;
  const best = several && isTargets(stage) ? "the best valid stage, " : "";
  const state = stateOf(run.text, stage);
  return {
    caption: `Stage of ${load(stage.label, run.plan.workload)}: ${best}over ${showSpan(stage.window_ns)}${state ? ` · ${state}` : ""}`,
    throughput: batch ? cost(stage) : [`${limited ? "≥" : ""}${figure(knownRate(stage))}`, "/s", limited ? "the client’s limit" : bound],
    p50: quantile(latency.p50),
    p95: quantile(latency.p95),
    p99: quantile(latency.p99),
    errors: [count(errors(stage)), "", `of ${count(stage.counts.scheduled)} requests`, { alarming: errors(stage) > 0 }],
    in_flight: [figure(stage.in_flight_mean), "", stage.unknown.in_flight_mean ?? "mean of the window"],
    busy: target && target.busy_threads_mean !== null
      ? [figure(target.busy_threads_mean), "", slots ? `mean, of ${count(slots)}` : "mean"]
      : [DASH, "", UNTOLD],
    queue: target && target.queue_ns !== null
      ? [...span(target.queue_ns), "mean wait for a thread"]
      : [DASH, "", UNTOLD],
  };
}

function cost(stage) {
  const predicted = stage.theory?.makespan_ns;
  const least = stage.theory?.makespan_is_lower_bound ? "at least " : "";
  const note = predicted ? `predicted: ${least}${showSpan(predicted)}` : "until the last reply";
  return [...span(stage.makespan_ns), note, { name: "Cost time" }];
}

function nothing() {
  const blank = [DASH, "", ""];
  return { caption: "The first stage is starting …", ...Object.fromEntries(NAMES.map(([key]) => [key, blank])) };
}
