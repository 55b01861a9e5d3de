/** How far a run is: one bar for each of its stages. */

import { make, text } from "./dom.js";
import { isOver, label } from "./run.js";
import { figure } from "./units.js";
import { knownRate, load, mark, stateOf } from "./words.js";

export class Stages {
  /** @param {HTMLOListElement} list */
  constructor(list) {
    this.list = list;
    this.of = null;
    this.bars = [];
  }

  /** @param {Run} run */
  show(run) {
    if (this.of !== run) this.make(run);
    run.plan.stages.forEach((planned, index) => {
      const { item, bar, word } = this.bars[index];
      const stage = run.stages[index];
      const running = index === run.index && !stage && !isOver(run);
      item.dataset.state = stage ? worth(stage) : running ? "running" : isOver(run) ? "left" : "waiting";
      if (running) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
      bar.value = stage ? 1 : running ? run.tick?.fraction ?? 0 : 0;
      text(word, stage ? done(stage) : running ? run.tick?.phase ?? "starting" : isOver(run) ? "not run" : "");
      item.title = (stage && stateOf(run.text, stage)) ?? "";
    });
  }

  make(run) {
    this.of = run;
    this.bars = run.plan.stages.map((planned) => {
      const words = load(label(planned), run.plan.workload);
      const [size, unit] = words.split(" ");
      const bar = make("progress", { max: "1", value: "0", "aria-label": `stage of ${words}` });
      const word = make("span", { class: "word" });
      return { bar, word, item: make("li", {}, make("b", {}, size), make("small", {}, unit), bar, word) };
    });
    this.list.replaceChildren(...this.bars.map(({ item }) => item));
  }
}

/** @returns {string} its state; of one in which too much failed that, however well it was measured */
function worth(stage) {
  const failed = stage.findings.some(({ name }) => name === "errors");
  return failed && stage.state !== "invalid" ? "failed" : stage.state;
}

function done(stage) {
  const sign = stage.client_limited ? "≥" : "";
  return `${mark(stage)}${mark(stage) && " "}${sign}${figure(knownRate(stage))}/s`;
}
