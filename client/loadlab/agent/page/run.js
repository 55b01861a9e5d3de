/**
 * A run as the page knows it: folded from its events while it goes on, or from its result.
 *
 * Time on the charts is load time: each stage begins where the one before it ended, whatever lay between. So it
 * depends on the events alone, and a page that comes late or is reloaded has every stage at the same place. What the
 * agent no longer has of the ticks of a stage is drawn from its whole seconds, once it has ended and has a result.
 *
 * Memory has a bound: of the ticks a `Series`, of the sentences the latest, of the results no histograms.
 */

import { Series } from "./series.js";
import { NS_PER_S, inMs } from "./units.js";

const LATE_NS = 3 * NS_PER_S;

const COLUMNS = [
  "t", "achieved", "offered", "errors", "p50", "p95", "p99", "in_flight", "users", "busy", "slots", "queue",
];
const RATES = ["achieved", "offered"];
const MOST_NOTES = 20;

/** @typedef {Object} Run
 * @property {string} id
 * @property {Object} plan as in result.json
 * @property {?string} where in words, where load and target run
 * @property {?string} label what its person calls it
 * @property {?string} command the command line
 * @property {?{module: string, revision: ?string, dirty: ?boolean}} app the app that is loaded, if it is not the lab's
 * @property {"starting"|"warm-up"|"measuring"|"draining"|"ending"|"over"|"lost"} phase
 * @property {?number} index of the running stage
 * @property {?Object} tick the latest of the running stage
 * @property {Object[]} stages the results of those that have ended, by index
 * @property {?Object} result the whole result, once there is one
 * @property {?string} refused why it could not begin
 * @property {string[]} notes
 * @property {{about: string[], kind: string, sentence: string}[]} text what the lab says about the stages so far, or the result
 * @property {Series} series
 * @property {{at: number, label: string}[]} marks where each stage begins, in seconds of load time
 * @property {{from: number, to: number}[]} warmups
 * @property {boolean} sliced whether the series came from a result's whole seconds instead of ticks
 */

/** @param {Object} began a RunBegan @returns {Run} */
export function begin(began) {
  return blank(began.run_id, began.plan, began.environment.where, began);
}

/** @param {Run} run @param {Object} event any other event of it */
export function apply(run, event) {
  switch (event.type) {
    case "Noted":
      run.notes = [...run.notes, event.sentence].slice(-MOST_NOTES);
      break;
    case "StageBegan":
      beginStage(run, event.index);
      break;
    case "Tick":
      if (event.index !== run.index) beginStage(run, event.index);
      tick(run, event);
      break;
    case "StageEnded":
      fill(run, event);
      run.stages[event.index] = slim(event.result);
      run.text = event.text;
      run.offset_ns += Math.max(run.last_ns, event.result.window_ns + run.plan.warmup_ns);
      run.last_ns = 0;
      run.tick = null;
      run.phase = event.index + 1 < run.plan.stages.length ? "starting" : "ending";
      break;
    case "RunEnded":
      end(run, event.result);
      break;
    case "Refused":
      run.refused = event.sentence;
      run.phase = "over";
      run.tick = null;
      break;
  }
}

/** @param {Run} run @param {Object} result its result.json */
export function end(run, result) {
  run.result = { ...result, stages: result.stages.map(slim) };
  run.stages = run.result.stages;
  run.text = result.text;
  run.phase = "over";
  run.index = null;
  run.tick = null;
}

/** @param {Run} run one whose end is lost */
export function losing(run) {
  run.phase = "lost";
  run.index = null;
  run.tick = null;
}

/** @param {Run} run @returns {boolean} */
export function isOver(run) {
  return run.phase === "over" || run.phase === "lost";
}

/** @param {Object} result as the agent reads it @returns {Run} */
export function fromResult(result) {
  const run = blank(result.run_id, result.plan, result.environment.where, result);
  run.sliced = true;
  result.stages.forEach((stage, index) => {
    beginStage(run, index);
    for (const row of seconds(stage, result.plan.stages[index], run.offset_ns)) run.series.push(row);
    run.offset_ns += stage.window_ns;
  });
  end(run, result);
  return run;
}

/**
 * @param {Object} stage a result
 * @param {Object} planned
 * @param {number} from_ns the load time at which its window begins
 * @param {number} before_ns of the window; later seconds are left out
 * @returns {Object[]} rows of its whole seconds, two to each, of what a result knows
 */
function seconds(stage, planned, from_ns, before_ns = Infinity) {
  const { target } = stage;
  return stage.slices.flatMap((slice) => {
    const span_ns = Math.min(NS_PER_S, stage.window_ns - slice.at_ns);
    if (span_ns <= 0 || slice.at_ns + span_ns > before_ns) return [];
    const span = span_ns / NS_PER_S;
    const second = {
      achieved: slice.count / span,
      offered: (stage.rate_to_hz ?? null) === null ? stage.rate_hz : null,
      errors: slice.errors / span,
      p50: inMs(slice.p50),
      p99: inMs(slice.p99),
      in_flight: slice.in_flight,
      users: size(planned),
      busy: target?.busy_threads_mean,
      slots: slotsOf(target),
    };
    const from = (from_ns + slice.at_ns) / NS_PER_S;
    return [from, from + span].map((t) => ({ t, ...second }));
  });
}

/** Draw the seconds of a stage that were over before its first tick came. */
function fill(run, { index, result }) {
  const { warmup_ns } = run.plan;
  if (index !== run.index || run.first_ns <= LATE_NS) return;
  const planned = run.plan.stages[index];
  run.series.prepend(seconds(result, planned, run.offset_ns + warmup_ns, run.first_ns - warmup_ns));
}

/** @param {?Object} target a stage's target @returns {?number} how many requests it handles at once, if that is known */
function slotsOf(target) {
  return target && target.workers && target.threads ? target.workers * target.threads : null;
}

/** @param {Object} stage of a plan @returns {?number} how many may be in flight, where the plan says it */
export function size(stage) {
  return stage.concurrency ?? stage.requests ?? null;
}

/** @param {Object} stage of a plan @returns {string} what tells it from its neighbours, as the lab labels it */
export function label(stage) {
  if (stage.rate_hz === undefined || stage.rate_hz === null) return String(stage.concurrency ?? stage.requests);
  const ends = stage.rate_to_hz === undefined || stage.rate_to_hz === null ? [] : [stage.rate_to_hz];
  return [stage.rate_hz, ...ends].join(":");
}

function blank(id, plan, where, { label = null, command = null, app = null }) {
  return {
    id, plan, where, label, command, app,
    phase: "starting", index: null, tick: null, stages: [], result: null, refused: null, notes: [], text: [],
    series: new Series(COLUMNS, RATES), marks: [], warmups: [], sliced: false,
    offset_ns: 0, first_ns: Infinity, last_ns: 0,
  };
}

function beginStage(run, index) {
  run.index = index;
  run.phase = "starting";
  run.tick = null;
  run.first_ns = Infinity;
  run.last_ns = 0;
  run.series.gap();
  const at = run.offset_ns / NS_PER_S;
  run.marks.push({ at, label: label(run.plan.stages[index]) });
  const warmup = run.sliced ? 0 : run.plan.warmup_ns / NS_PER_S;
  if (warmup) run.warmups.push({ from: at, to: at + warmup });
}

function tick(run, event) {
  const draining = event.phase === "draining"; // what comes then was due before, and no load makes it
  run.series.push({
    t: (run.offset_ns + event.at_ns) / NS_PER_S,
    achieved: draining ? null : event.rate_hz,
    offered: event.offered_hz,
    errors: event.errors_hz,
    p50: inMs(event.p50_ns),
    p95: inMs(event.p95_ns),
    p99: inMs(event.p99_ns),
    in_flight: event.in_flight,
    users: draining ? null : size(run.plan.stages[event.index]),
    busy: event.busy_threads,
    slots: event.slots,
    queue: event.thread_queue,
  });
  run.first_ns = Math.min(run.first_ns, event.at_ns);
  run.last_ns = event.at_ns;
  run.phase = event.phase;
  run.tick = event;
}

/** Leave out what the page never shows and what is large. */
function slim({ histograms: _, slices: __, ...stage }) {
  return stage;
}
