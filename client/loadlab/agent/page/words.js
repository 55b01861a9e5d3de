/** What the page reads from a result: its sentences, which the lab wrote (`RunResult.text`), and its names for a load. */

import { WORKLOADS } from "./traits.js";

const MARKS = { valid: "", suspect: "?", invalid: "!" };

/** @param {{kind: string, sentence: string}[]} text @param {...string} kinds @returns {string[]} sentences of these kinds */
export function sentences(text, ...kinds) {
  return text.filter(({ kind }) => kinds.includes(kind)).map(({ sentence }) => sentence);
}

/** @param {Object[]} text @param {Object} stage a stage's result @returns {?string} why it bears a mark; null without one */
export function stateOf(text, stage) {
  return text.find(({ kind, about }) => kind === "state" && about.includes(stage.label))?.sentence ?? null;
}

/** @param {string} label of a stage @param {string} workload @returns {string} such as `8 users` */
export function load(label, workload) {
  const { one, many } = WORKLOADS[workload];
  return `${label} ${label === "1" ? one : many}`;
}

/** @param {Object} stage a stage's result @returns {string} */
export function mark(stage) {
  return MARKS[stage.state];
}

/** @param {Object} stage a stage's result @returns {number} requests due in the window that did not end well */
export function errors(stage) {
  return stage.counts.scheduled - stage.counts.ok;
}

/** @param {Object} stage a stage's result @returns {?number} its throughput; null where that is unknown */
export function knownRate(stage) {
  return stage.unknown.throughput_hz ? null : stage.throughput_hz;
}

const SHORT = 10;

/** @param {{module: string, revision: ?string, dirty: ?boolean}} app @returns {string} as the terminal writes it */
export function appTold({ module, revision, dirty }) {
  return revision === null ? module : `${module} at ${revision.slice(0, SHORT)}${dirty ? " with changes" : ""}`;
}
