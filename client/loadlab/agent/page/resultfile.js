/**
 * The button that hands over the result.json of the run that is shown. Reading it takes the token, which no link
 * carries: so the page asks for it, and the browser keeps what came as a file.
 */

import { Refusal, resultFile } from "./api.js";
import { byId, make, text } from "./dom.js";

const KEPT_MS = 60_000;

export class ResultFile {
  /** @param {Known} known */
  constructor(known) {
    this.known = known;
    this.button = byId("result");
    this.button.addEventListener("click", () => this.fetch());
  }

  /** @param {Run} run the one that is shown */
  show(run) {
    this.button.hidden = run.result === null;
  }

  async fetch() {
    const { id } = this.known.shown();
    text(byId("run-refusal"), "");
    try {
      const address = URL.createObjectURL(await resultFile(id));
      make("a", { href: address, download: `${id}.json` }).click();
      setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      text(byId("run-refusal"), `${id}: ${error.message}`);
    }
  }
}
