/** The list of earlier runs. */

import { runs } from "./api.js";
import { byId, make, text } from "./dom.js";
import { linkTo } from "./route.js";
import { figure, when } from "./units.js";
import { appTold, load } from "./words.js";

const STEP = 20;
const MOST_LOADS = 6;

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
    const telling = differing(this.found);
    byId("runs").replaceChildren(...this.found.map((run) => entry(run, telling)));
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

/** @param {Object[]} listed @returns {string[]} the names of the settings that are not the same in all of them */
function differing(listed) {
  const names = new Set(listed.flatMap(({ settings }) => Object.keys(settings)));
  return [...names].filter((name) => new Set(listed.map(({ settings }) => settings[name])).size > 1);
}

/** @param {string[]} loads of the stages @returns {string[]} all, or the first and the last where they are many */
function few(loads) {
  return loads.length > MOST_LOADS ? [...loads.slice(0, MOST_LOADS - 2), "…", loads.at(-1)] : loads;
}

function entry(run, telling) {
  const best = run.best_throughput_hz === null ? [] : [`best ${figure(run.best_throughput_hz)}/s`];
  const loads = run.stages ? [load(few(run.loads).join(", "), run.workload)] : ["no stage"];
  const kind = `${run.scenario} · ${run.transport} · ${run.workload}`;
  const known = [run.label === null ? null : kind, run.app === null ? null : appTold(run.app)].filter(Boolean);
  const more = [...known, ...best, ...telling.map((name) => run.settings[name]).filter(Boolean)];
  return make("li", {}, make(
    "a", { href: linkTo(run.run_id), "data-run": run.run_id, title: run.run_id },
    make("span", { class: "first" }, run.label ?? kind,
      make("b", { class: "mark", "data-verdict": run.headline === "PASS with warnings" ? "suspect" : run.verdict },
        run.headline)),
    make("span", { class: "second" }, [when(run.started_at), ...loads].join(" · ")),
    ...more.length ? [make("span", { class: "second" }, more.join(" · "))] : []));
}
