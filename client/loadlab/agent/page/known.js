/** What the page knows of runs, and which of them it shows. */

import { wanted } from "./route.js";
import { isOver } from "./run.js";

export class Known {
  constructor() {
    /** @type {?Run} the latest of the stream */
    this.latest = null;
    /** @type {?Run} the earlier one that was asked for */
    this.earlier = null;
    /** @type {?string} the name of one that has not begun yet */
    this.starting = null;
    /** @type {?string} why one could not begin */
    this.notBegun = null;
    /** @type {?string} the last that is known to have begun, or to be refused */
    this.settled = null;
    /** @type {boolean} whether the agent answers */
    this.connected = false;
  }

  /**
   * A run was asked for. Its events may have come before the answer to that.
   * @param {string} runId
   */
  start(runId) {
    if (runId === this.settled) return;
    Object.assign(this, { starting: runId, notBegun: null });
  }

  /**
   * A run has begun, or could not.
   * @param {?string} runId
   * @param {?string} notBegun why it could not
   */
  settle(runId, notBegun) {
    Object.assign(this, { starting: null, settled: runId, notBegun });
  }

  /** @returns {?string} why no run can be started now */
  hindrance() {
    if (!this.connected) return "The agent does not answer.";
    if (this.starting !== null) return `${this.starting} is starting, and there is one load at a time.`;
    return this.isGoing() ? `${this.latest.id} is under way, and there is one load at a time.` : null;
  }

  /** @returns {?Run} the one that the page shows now */
  shown() {
    const id = wanted();
    if (id === null || id === this.latest?.id) return this.latest;
    return this.earlier?.id === id ? this.earlier : null;
  }

  /** @returns {boolean} whether the latest goes on */
  isGoing() {
    return this.latest !== null && !isOver(this.latest);
  }
}
