/** Which run is shown, as the address asks, and what the page says where there is none, or another one goes on. */

import * as api from "./api.js";
import { byId, make, say } from "./dom.js";
import { toLatest, wanted } from "./route.js";
import { fromResult, isOver } from "./run.js";
import { conclusion } from "./verdict.js";

const NARROW = matchMedia("(max-width: 1000px)");
const NONE_YET = "No run yet. Choose a scenario and press Start: throughput, latency and the target’s threads are drawn here as"
  + " they move. A run that is started elsewhere (make run) shows up by itself.";

export class Showing {
  /** @param {Known} known @param {Drawing} drawing @param {Runs} runs @param {Form} form */
  constructor(known, drawing, runs, form) {
    Object.assign(this, { known, drawing, runs, form });
    this.opened = false;
  }

  /** Show the run that was started here as soon as it begins. @param {string} runId */
  started(runId) {
    this.known.start(runId);
    toLatest();
    this.choose();
    if (!NARROW.matches) return;
    byId("new").open = false;
    byId("main").scrollIntoView();
  }

  /** Show the run that the address asks for. */
  async choose() {
    const { known } = this;
    const id = wanted();
    if (id !== null && id !== known.latest?.id && id !== known.earlier?.id) {
      known.earlier = null;
      try {
        const found = fromResult(await api.result(id));
        if (wanted() !== id) return;
        known.earlier = found;
        say(`${id}: ${conclusion(found).word}`);
      } catch (error) {
        if (!(error instanceof api.Refusal)) throw error;
        if (wanted() === id) this.empty(`${id}: ${error.message}`);
        return;
      }
    }
    this.runs.mark(known.shown()?.id ?? null);
    this.banner();
    this.empty(null);
    this.giveWay();
    this.drawing.draw(true);
  }

  /** On a phone, a page that opens on a run shows the run first. */
  giveWay() {
    if (this.opened || this.known.shown() === null) return;
    this.opened = true;
    if (NARROW.matches && !byId("new").contains(document.activeElement)) byId("new").open = false;
  }

  /** Say what goes on besides what is shown, and whether a run can be started. */
  banner() {
    const { latest, starting, notBegun } = this.known;
    this.form.hinder(this.known.hindrance());
    const shown = this.known.shown();
    const about = this.known.isGoing() && shown !== latest
      ? [`${latest.plan.scenario} is running now. `, make("a", { href: "#" }, "Watch it")]
      : notBegun !== null ? [`The run could not begin: ${notBegun}`]
        : starting !== null && shown !== null ? [`${starting} is starting …`] : [];
    const banner = byId("elsewhere");
    banner.hidden = about.length === 0;
    banner.replaceChildren(...about);
  }

  /** Say why there is no run to be seen. @param {?string} sentence null where there may be one */
  empty(sentence) {
    const run = sentence === null ? this.known.shown() : null;
    for (const id of ["head", "stages", "figures", "sweep", "time"]) byId(id).hidden = run === null;
    byId("empty").hidden = run !== null;
    byId("main").dataset.stage = run === null ? "empty" : isOver(run) ? "over" : "running";
    if (run !== null) return;
    for (const id of ["verdict", "table", "names", "checks"]) byId(id).hidden = true;
    const { starting } = this.known;
    const words = sentence ?? (starting === null ? NONE_YET : `${starting} is starting …`);
    byId("empty").replaceChildren(make("p", {}, words));
  }
}
