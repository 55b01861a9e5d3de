/**
 * Numbers as the lab writes them: three figures as far as thousandths go, thousands apart, never an exponent. The same
 * rules as `loadlab.units`; what cannot be told is a dash, never a guess.
 */

const NS_PER_MS = 1e6;
export const NS_PER_S = 1e9;
export const DASH = "–";

/** @param {?number} value @returns {string} three figures */
export function figure(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return DASH;
  const size = Math.abs(value);
  const digits = size > 0 && size < 0.0995 ? 3 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** @param {?number} value @returns {string} a whole number */
export function count(value) {
  return value === null || value === undefined ? DASH : Math.round(value).toLocaleString("en-US");
}

/** @param {?number} ns @returns {?number} milliseconds */
export function inMs(ns) {
  return ns === null || ns === undefined ? null : ns / NS_PER_MS;
}

/** @param {?number} ns @returns {[string, string]} a span of time and its unit */
export function span(ns) {
  if (ns === null || ns === undefined) return [DASH, ""];
  for (const [unit, scale] of [["s", NS_PER_S], ["ms", NS_PER_MS], ["µs", 1e3]]) {
    if (Math.abs(ns) >= scale * 0.9995) return [figure(ns / scale), unit];
  }
  return [ns.toFixed(0), "ns"];
}

/** @param {?number} ns @returns {string} a span of time with its unit */
export function showSpan(ns) {
  return span(ns).join(" ").trim();
}

/** @param {?number} ratio @returns {string} per cent */
export function share(ratio) {
  return ratio === null || ratio === undefined ? DASH : `${Math.round(ratio * 100)}%`;
}

/** @param {string} iso @returns {string} the local day and time of day; the year where it is another one */
export function when(iso) {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return iso;
  const two = (number) => String(number).padStart(2, "0");
  const day = `${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  const year = moment.getFullYear() === new Date().getFullYear() ? "" : `${moment.getFullYear()}-`;
  return `${year}${day} ${[moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(":")}`;
}
