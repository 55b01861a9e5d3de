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
