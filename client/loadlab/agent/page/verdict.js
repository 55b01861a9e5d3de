/** How a run came out: its sentences, and every check behind them. */

import { make } from "./dom.js";
import { count, figure, showSpan } from "./units.js";
import { sentences } from "./words.js";

const MOST_BESIDES = 3;

/** @param {HTMLElement} holder @param {Run} run */
export function showVerdict(holder, run) {
  const told = conclusion(run);
  const besides = [...run.notes, ...sentences(run.text, "note")];
  holder.hidden = told === null && besides.length === 0;
  holder.dataset.verdict = told?.kind ?? "none";
  const parts = [];
  if (told) {
    parts.push(make("p", { class: "sentence" }, make("strong", {}, told.word), " ", told.sentence));
    if (told.why.length) parts.push(list(told.why, "why"));
  }
  if (besides.length) parts.push(list(besides.slice(0, MOST_BESIDES), "besides"));
  const more = besides.slice(MOST_BESIDES);
  if (more.length) {
    const open = holder.querySelector("details")?.open ?? false;
    parts.push(make("details", { open }, make("summary", {}, `${more.length} more to know`), list(more, "besides")));
  }
  holder.replaceChildren(...parts);
}

/** @param {Run} run @returns {?{kind: string, word: string, sentence: string, why: string[]}} null while it goes on */
export function conclusion(run) {
  if (run.refused !== null) {
    return { kind: "fail", word: "REFUSED", sentence: "the run ended without a result", why: [run.refused] };
  }
  if (run.phase === "lost") {
    return { kind: "invalid", word: "INVALID", sentence: "do not use these numbers", why: [lost(run)] };
  }
  if (run.result === null) return null;
  const [word] = sentences(run.text, "verdict");
  const [sentence] = sentences(run.text, "summary");
  const kind = word === "PASS with warnings" ? "suspect" : word.toLowerCase();
  return { kind, word, sentence, why: sentences(run.text, "reason", "undecided") };
}

function lost(run) {
  const ended = run.stages.filter(Boolean).length;
  return `the agent ended during the run, after ${ended} of ${run.plan.stages.length} stages; the command that`
    + " started the run keeps its result";
}

/** @param {HTMLDetailsElement} holder @param {Run} run */
export function showChecks(holder, run) {
  const checks = run.result?.checks ?? [];
  holder.hidden = checks.length === 0;
  if (holder.hidden) return;
  const of = (outcome) => checks.filter((check) => check.outcome === outcome);
  const [failed, open, passed] = [of("fail"), of("untestable"), of("pass")];
  const counted = [[failed, "failed"], [open, "untestable"], [passed, "passed"]]
    .filter(([found]) => found.length).map(([found, word]) => `${found.length} ${word}`);
  const row = (check) => make(
    "tr", { class: check.outcome }, make("th", { scope: "row" }, check.name), make("td", {}, check.stage ?? "run"),
    make("td", { class: "outcome" }, check.outcome), make("td", { class: "words" }, check.message),
    make("td", { class: "measured" }, measured(check)));
  holder.replaceChildren(
    make("summary", {}, make("h3", {}, `Checks: ${counted.join(", ")}`)),
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Checks" },
      make("table", { class: "checks" },
        make("thead", {}, make("tr", {}, ...["check", "stage", "outcome", "which says", "measured"].map(
          (name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, ...[...failed, ...open, ...passed].map(row)))));
}

const OPERATORS = { "<=": "at most", ">=": "at least", "==": "exactly" };

/** @param {Object} check @returns {string} what was measured and the limit, times in a unit that can be read */
export function measured({ metric, actual, operator, limit, unit }) {
  const counted = Number.isInteger(limit) && Number.isInteger(actual ?? limit);
  const [shown, of] = unit === "ns" ? [showSpan, ""] : [counted ? count : figure, ` ${unit}`];
  return `${metric}: ${shown(actual)}, limit ${OPERATORS[operator] ?? operator} ${shown(limit)}${of}`;
}

function list(sentences, kind) {
  return make("ul", { class: kind }, ...sentences.map((sentence) => make("li", {}, sentence)));
}
