/** Elements without markup: nothing that a server or a user sends is ever read as HTML. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. Members of `attributes` that begin with `on` are listeners, booleans are set or left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, String(value));
  }
  fill(element, ...children);
  return element;
}

/**
 * Puts `children` in place of all that is in `element`.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter(present).map(node));
}

/** @param {Child} child @returns {child is Node | string | number} */
function present(child) {
  return child !== null && child !== undefined && child !== false;
}

/** @param {Node | string | number} child */
function node(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

/** @param {string} name One of `icons/`. */
export function icon(name) {
  return h('span', { class: `icon icon-${name}`, 'aria-hidden': 'true' });
}

/**
 * The element of that id, which the page must have.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {{ new (): T }} [type]
 * @returns {T}
 */
export function need(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof (type ?? HTMLElement))) throw new Error(`The page has no ${id}`);
  return /** @type {T} */ (element);
}

/** @param {string} instant RFC 3339. */
export function day(instant) {
  return h('time', { datetime: instant, title: new Date(instant).toLocaleString() }, new Date(instant).toLocaleDateString(undefined, { dateStyle: 'medium' }));
}

/** @param {string} instant RFC 3339. */
export function when(instant) {
  const text = new Date(instant).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return h('time', { datetime: instant }, text);
}
