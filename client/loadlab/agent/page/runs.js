/** The list of earlier runs. */

import { runs } from "./api.js";
import { byId, make, text } from "./dom.js";
import { linkTo } from "./route.js";
import { figure, when } from "./units.js";

const STEP = 20;

export class Runs {
  constructor() {
    this.limit = STEP;
    this.found = [];
    this.shown = null;
    byId("runs-more").addEventListener("click", () => {
      this.limit += STEP;
      this.refresh();
    });
  }

  /** Ask the agent anew; what is shown stays where it does not answer. */
  async refresh() {
    try {
      this.found = await runs(this.limit);
    } catch {
      return;
    }
    byId("runs-more").hidden = this.found.length < this.limit;
    byId("runs-empty").hidden = this.found.length > 0;
    text(byId("runs-empty"), "None yet. Press Start, or use make run in a terminal: what ends is listed here.");
    byId("runs").replaceChildren(...this.found.map(entry));
    this.mark(this.shown);
  }

  /** Say which of them is shown. @param {?string} id */
  mark(id) {
    this.shown = id;
    for (const link of byId("runs").querySelectorAll("a")) {
      if (link.dataset.run === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}

function entry(run) {
  const best = run.best_throughput_hz === null ? [] : [`best ${figure(run.best_throughput_hz)}/s`];
  const stages = `${run.stages} stage${run.stages === 1 ? "" : "s"}`;
  const told = [when(run.started_at), stages, ...best];
  return make("li", {}, make(
    "a", { href: linkTo(run.run_id), "data-run": run.run_id, title: run.run_id },
    make("span", { class: "first" }, `${run.scenario} · ${run.transport} · ${run.workload}`,
      make("b", { class: "mark", "data-verdict": run.headline === "PASS with warnings" ? "suspect" : run.verdict },
        run.headline)),
    make("span", { class: "second" }, told.join(" · "))));
}
