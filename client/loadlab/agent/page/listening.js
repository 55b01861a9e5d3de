/** What the agent tells, and what it knows whenever the connection to it is there again. */

import * as api from "./api.js";
import { byId, say, text } from "./dom.js";
import { apply, begin, end, isOver, label, losing } from "./run.js";
import { conclusion } from "./verdict.js";
import { load } from "./words.js";

const SETTLED_MS = [2_000, 5_000, 20_000];

export class Listening {
  /** @param {Known} known @param {Showing} showing @param {Drawing} drawing @param {Runs} runs @param {Form} form */
  constructor(known, showing, drawing, runs, form) {
    Object.assign(this, { known, showing, drawing, runs, form });
  }

  /** @param {Object} event */
  tell(event) {
    const { known } = this;
    if (event.type === "RunBegan") {
      known.latest = begin(event);
      this.settle(event.run_id, null);
      say(`${event.plan.scenario} has begun`);
      return;
    }
    if (event.type === "Refused" && !(known.isGoing() && event.run_id === known.latest.id)) {
      this.settle(event.run_id, event.sentence);
      say(`The run could not begin: ${event.sentence}`);
      return;
    }
    const run = known.latest;
    if (run === null) return;
    apply(run, event);
    if (event.type === "StageBegan") say(`stage of ${load(label(run.plan.stages[event.index]), run.plan.workload)}`);
    if (isOver(run)) this.ended();
    if (known.shown() === run) this.drawing.draw(event.type !== "Tick");
  }

  /** A run has begun, or could not. */
  settle(runId, notBegun) {
    this.known.settle(runId, notBegun);
    this.showing.choose();
  }

  ended() {
    const told = conclusion(this.known.latest);
    say(`${told.word} ${told.sentence} ${told.why.join(" ")}`);
    this.runs.refresh();
    this.showing.banner();
  }

  /** @param {"live"|"lost"} state @param {?string} why in the agent's words, where it has said it */
  async connected(state, why) {
    const note = byId("connection");
    note.dataset.state = state;
    document.body.dataset.connection = state;
    this.known.connected = state === "live";
    this.showing.banner();
    this.drawing.draw(false);
    const lost = why ?? `connection lost at ${new Date().toTimeString().slice(0, 8)}; what is shown is from then`;
    text(note, state === "live" ? "connected" : `${lost}. Trying again …`);
    if (state !== "live") return;
    this.runs.refresh();
    try {
      const offered = await api.state();
      text(byId("target"), offered.target);
      this.form.offer(offered);
      await this.reconcile(offered);
    } catch (error) {
      if (!(error instanceof api.Refusal)) throw error;
      if (error.status === 401) this.form.askForTokenAnew();
    }
    this.showing.choose();
  }

  /** An agent that was started anew knows nothing of a run that went on before, except by its result. */
  async reconcile({ running }) {
    const { known } = this;
    const run = known.latest;
    known.starting = null;
    if (running !== null) known.start(running.run_id);
    if (!known.isGoing() || running?.run_id === run.id) return;
    for (const settled_ms of SETTLED_MS) {
      await new Promise((resolve) => { setTimeout(resolve, settled_ms); });
      if (known.latest !== run || run.phase === "over") return;
      if (await this.salvaged(run)) return;
    }
  }

  /** @param {Run} run @returns {Promise<boolean>} whether its result is there; the command that started it may still write it */
  async salvaged(run) {
    let result = null;
    try {
      result = await api.result(run.id);
    } catch (error) {
      if (error.status !== 404) return error.status !== null;
    }
    if (result !== null) end(run, result);
    else if (run.phase !== "lost") losing(run);
    else return false;
    this.ended();
    this.drawing.draw(true);
    return result !== null;
  }
}
