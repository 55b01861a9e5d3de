/** The button that stops the run: pressed once it drains, pressed again it waits for nothing. */

import * as api from "./api.js";
import { byId, say, text } from "./dom.js";
import { isOver } from "./run.js";

export class Stopping {
  /** @param {Known} known @param {Form} form asks for a token */
  constructor(known, form) {
    this.known = known;
    this.form = form;
    this.pressed = { id: null, times: 0 };
    this.refused = { of: null };
    this.button = byId("stop");
    this.button.addEventListener("click", () => this.press());
  }

  /** @param {Run} run the one that is shown */
  show(run) {
    this.button.hidden = isOver(run) || run !== this.known.latest;
    text(this.button, this.times(run) ? "Stop now, wait for nothing" : "Stop");
    if (this.known.connected) this.button.removeAttribute("aria-disabled");
    else this.button.setAttribute("aria-disabled", "true");
    if (this.refused.of !== run.id) this.refuse(run, "");
  }

  /** Say next to the button why the run was not stopped; nothing clears it. */
  refuse(run, sentence) {
    this.refused = { of: run.id };
    const words = sentence && `The run was not stopped: ${sentence}`;
    text(byId("run-refusal"), words);
  }

  times(run) {
    return this.pressed.id === run.id ? this.pressed.times : 0;
  }

  async press() {
    const run = this.known.latest;
    if (this.button.getAttribute("aria-disabled")) return;
    this.refuse(run, "");
    const times = this.times(run);
    this.pressed = { id: run.id, times: times + 1 };
    say(times ? "stopping without waiting" : "stopping: waiting for what is in flight");
    try {
      await api.stop(run.id);
    } catch (error) {
      if (!(error instanceof api.Refusal)) throw error;
      this.pressed = { id: run.id, times };
      this.refuse(run, error.message);
      if (error.status === 401) this.form.askForTokenAnew();
    }
    const shown = this.known.shown();
    if (shown !== null) this.show(shown);
  }
}
