/** The token that everything but the page itself needs: it comes in the address once, and lives as long as the tab. */

const KEY = "loadlab-token";

/**
 * Move a token from the address (#token=…) into the tab's memory, so that neither history nor a shared link has it.
 * @returns {boolean} whether there was one
 */
export function takeFromAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const token = parts.get("token");
  if (token === null) return false;
  parts.delete("token");
  const rest = parts.toString();
  history.replaceState(null, "", `${location.pathname}${location.search}${rest ? `#${rest}` : ""}`);
  keep(token);
  return true;
}

/** @returns {?string} */
export function token() {
  return sessionStorage.getItem(KEY);
}

/** @param {string} words as pasted; nothing forgets it */
export function keep(words) {
  const clean = words.trim();
  if (clean) sessionStorage.setItem(KEY, clean);
  else sessionStorage.removeItem(KEY);
}
