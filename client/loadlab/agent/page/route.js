/** Which run the address asks for: `#run=<id>` one run, anything else the latest. */

/** @returns {?string} */
export function wanted() {
  return new URLSearchParams(location.hash.slice(1)).get("run") || null;
}

/** @param {string} id @returns {string} */
export function linkTo(id) {
  return `#run=${encodeURIComponent(id)}`;
}

/** Show the latest run from now on, without a step in the history. */
export function toLatest() {
  history.replaceState(null, "", `${location.pathname}${location.search}`);
}
