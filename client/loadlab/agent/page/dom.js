/** Elements. Whatever comes from the agent goes in as text, never as markup. */

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Make an element.
 * @param {string} name
 * @param {Object<string, ?string|boolean>} attributes null, undefined and false leave one out
 * @param {...(Node|string)} children strings become text nodes
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? "" : value);
    }
  }
  element.append(...children);
  return element;
}

/** Set a text, unless it is there already: an unchanged live region must stay silent. */
export function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** Tell screen readers. @param {string} words */
export function say(words) {
  text(byId("say"), words);
}
