/** A result put into words: the same sentences, marks and rules as the table of the terminal. */

import { WORKLOADS } from "./traits.js";
import { NS_PER_S, count, showSpan } from "./units.js";

/** Checks whose failure says that the client was the limit (`loadlab.analysis.judge_stage.CLIENT_LIMIT_CHECKS`). */
export const CLIENT_LIMIT_CHECKS = [
  "client_cpu", "client_core", "client_throttled", "open_files", "client_resources", "lag", "schedule",
  "sent",
];

/** Those of them that hold also where the target was lost (`loadlab.analysis.judge_stage.SHORTAGES`). */
export const SHORTAGES = ["open_files", "client_resources"];

/** Checks whose failure leaves no share of the target's bound (`loadlab.analysis.judge_stage.NO_BOUND_SHARE_CHECKS`). */
export const NO_BOUND_SHARE_CHECKS = [...CLIENT_LIMIT_CHECKS, "client_stolen", "loop_stall"];

/** Checks that are told as the verdict's reasons, and not among the notes (`loadlab.terminal.table`). */
export const REASONS = [...CLIENT_LIMIT_CHECKS, "answered", "errors"];

const ERRORS = ["http_error", "timeout", "connect_error", "protocol_error", "dropped", "unfinished"];
const MARKS = { valid: "", suspect: "?", invalid: "!" };

export const TOO_FEW = "too few requests to tell; a longer duration, or more requests, can";
export const OPEN_SHARE =
  "too few requests beside those in flight at the ends of the window; a longer duration, or more requests, can tell";

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

/** @param {Object} stage a stage's result @returns {?number} its throughput; null where that can't be told */
export function knownRate(stage) {
  return stage.unknown?.throughput_hz ? null : stage.throughput_hz;
}

/**
 * @param {Object} stage a stage's result
 * @returns {boolean} whether it shows what the client could do, and not the target. A stage's failed checks are among
 *   its findings, so this is known as soon as the stage has ended.
 */
export function clientsLimit(stage) {
  return stage.findings.some((finding) => CLIENT_LIMIT_CHECKS.includes(finding.name));
}

/** @param {Object} stage @returns {boolean} whether only the ends of the window leave its share of the bound open */
export function openShare(stage) {
  const { theory } = stage;
  const asked = !stage.findings.some((finding) => NO_BOUND_SHARE_CHECKS.includes(finding.name));
  return asked && Boolean(theory?.bound_hz) && theory.bound_ratio === null;
}

/** @param {Object} stage @returns {string} what its state means, in words */
export function stateWords(stage) {
  if (clientsLimit(stage)) return "limited by the client: at least this much, and not what the target can do";
  if (stage.state === "invalid") return "invalid: the measurement cannot be trusted";
  if (stage.state === "suspect") return "suspect: see the notes";
  return "valid";
}

/** @param {Object} result @returns {string} the verdict's one name, as in the terminal (`loadlab.analysis.judge_run.headline`) */
export function headline(result) {
  const verdict = result.verdict === "pass" && result.interrupted ? "stopped" : result.verdict;
  const warned = verdict === "pass" && result.stages.some((stage) => stage.state === "suspect");
  return warned ? "PASS with warnings" : verdict.toUpperCase();
}

/** @param {Object} result @returns {string} how much was measured */
export function extent(result) {
  const seconds = result.stages.reduce((sum, stage) => sum + stage.window_ns, 0) / NS_PER_S;
  const told = `${result.stages.length} of ${result.plan.stages.length} stages, ${seconds.toFixed(1)} s measured`;
  return result.interrupted ? `${told}; stopped early, what was measured is kept` : told;
}

/** @param {Object} result @returns {string[]} why it is not a pass, each reason once, with the stages that it holds for */
export function reasons(result) {
  const failed = result.checks.filter((check) => check.outcome === "fail");
  const whole = failed.filter((check) => check.stage === null);
  const nothing = whole.some((check) => check.name === "answered"); // one sentence says so
  const left = REASONS.filter((name) => !(nothing && name === "errors"));
  const lost = result.target_lost === null ? null : result.stages.at(-1)?.label ?? null; // so it does of this
  const told = [...whole.map((check) => check.message), ...together(failed.filter(({ stage, name }) => (
    stage !== null && (stage === lost ? SHORTAGES : left).includes(name))))];
  if (result.failure !== null) told.push("an error of the lab’s own ended the run; error.txt beside the result has it");
  return told;
}

/** Checks that say what no check could tell of a run (`loadlab.analysis.judge_run.UNJUDGED`). */
export const UNJUDGED = ["client_judged", "figures_judged", "steadiness_judged"];

/** @param {Object} result @returns {string[]} what nothing could tell of a run that passed */
export function openQuestions(result) {
  if (result.verdict !== "pass") return [];
  return result.checks.filter((check) => UNJUDGED.includes(check.name)).map((check) => check.message);
}

/** @param {Object[]} stages results @returns {string[]} what is to be known about them besides */
export function notes(stages) {
  const told = [];
  for (const stage of stages) {
    const words = errorWords(stage);
    if (words) told.push(`stage ${stage.label}: ${words}`);
  }
  for (const stage of stages) told.push(...errorReasons(stage).map((line) => `stage ${stage.label}: ${line}`));
  const findings = stages.flatMap((stage) => stage.findings
    .filter((finding) => !REASONS.includes(finding.name))
    .map((finding) => ({ ...finding, stage: `${stage.label}${mark(stage)}` })));
  return [...told, ...together(findings)];
}

/** Kinds whose name leaves open why, and how many reasons of each are shown (`loadlab.analysis.error_reasons`). */
const UNEXPLAINED = ["timeout", "connect_error", "protocol_error"];
const SHOWN = 3;

/** @param {Object} stage its result @returns {string[]} why requests failed, a line for each kind, the worst first */
export function errorReasons(stage) {
  const sum = (errors) => errors.reduce((total, { count: times }) => total + times, 0);
  return UNEXPLAINED
    .map((kind) => (stage.errors ?? []).filter((error) => error.kind === kind))
    .filter((ofKind) => ofKind.length)
    .sort((one, other) => sum(other) - sum(one))
    .map((ofKind) => {
      const shown = ofKind.slice(0, SHOWN).map(({ count: times, reason }) => `${count(times)} × ${reason}`);
      const more = sum(ofKind.slice(SHOWN));
      if (more) shown.push(`${count(more)} × another reason`);
      return `${ofKind[0].kind.replaceAll("_", " ")}: ${shown.join(", ")}`;
    });
}

/**
 * @param {{name: string, stage: string, message: string}[]} told of stages
 * @returns {string[]} each name once, with all of its stages and the figures of the last (`loadlab.analysis.together`)
 */
export function together(told) {
  const groups = new Map();
  const times = new Map();
  for (const each of told) {
    const own = `${each.name} ${each.stage}`;
    times.set(own, (times.get(own) ?? 0) + 1);
    const key = `${each.name} ${times.get(own)}`;
    groups.set(key, [...groups.get(key) ?? [], each]);
  }
  return [...groups.values()].map((group) => {
    const last = group[group.length - 1];
    if (group.length === 1) return `stage ${last.stage}: ${last.message}`;
    const same = new Set(group.map((each) => each.message)).size === 1;
    const figures = same ? "" : ` (numbers of stage ${last.stage.replace(/[?!]+$/, "")})`;
    return `stages ${group.map((each) => each.stage).join(", ")}${figures}: ${last.message}`;
  });
}

/** @param {Object} plan @param {Object[]} stages results @returns {string[]} how to read the table */
export function legend(plan, stages) {
  const told = [];
  if (!WORKLOADS[plan.workload].at_once) {
    told.push(...together(stages.filter((stage) => stage.unknown?.in_flight_mean).map((stage) => ({
      name: "in flight", stage: stage.label, message: `in flight –: ${stage.unknown.in_flight_mean}`,
    }))));
  }
  if (stages.some((stage) => stage.state === "suspect")) told.push("?: suspect: see the note above");
  if (stages.some(clientsLimit)) {
    told.push("! and ≥: limited by the client; what the target can do is not known from it");
  }
  if (stages.some((stage) => stage.latency_ns.p99 === null && stage.counts.ok)) told.push(`–: ${TOO_FEW}`);
  if (stages.some(openShare)) told.push(`of it –: ${OPEN_SHARE}`);
  const theory = stages.find((stage) => stage.theory)?.theory;
  if (theory && WORKLOADS[plan.workload].has_users) {
    told.push("bound: min(N/S, workers × threads/S), S being the time that a request occupies a thread:"
      + ` ${showSpan(theory.service_ns)} in stage ${stages[0].label}, measured by the target`);
  }
  if (theory && WORKLOADS[plan.workload].at_once) {
    told.push("predicted: ceil(N / min(k, slots)) × S, with k requests in flight at most and S measured by the target");
  }
  return told;
}

/** @returns {?string} what failed, and the statuses that came; null where all there is is one status 2xx */
function errorWords(stage) {
  const kinds = ERRORS.filter((kind) => stage.counts[kind])
    .map((kind) => `${count(stage.counts[kind])} ${kind.replace("_", " ")}`);
  const usual = ["", "2"].includes(Object.keys(stage.statuses).map((status) => status[0]).join());
  if (usual && !kinds.length) return null;
  const statuses = Object.entries(stage.statuses).map(([status, times]) => `${count(times)} × status ${status}`);
  return [...kinds.length ? [kinds.join(", ")] : [], statuses.join(", ") || "no response at all"].join("; ");
}

const SHORT = 10;

/** @param {{module: string, revision: ?string, dirty: ?boolean}} app @returns {string} as the terminal writes it */
export function appTold({ module, revision, dirty }) {
  return revision === null ? module : `${module} at ${revision.slice(0, SHORT)}${dirty ? " with changes" : ""}`;
}
