/** Colours of the charts: those of the style sheet, so that light and dark are decided in one place. */

const dark = matchMedia("(prefers-color-scheme: dark)");

/** @param {string} name of a custom property without its dashes @returns {string} */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** @param {() => void} told when the colours are other ones now */
export function onChange(told) {
  dark.addEventListener("change", told);
}
