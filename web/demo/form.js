/** Forms: what was typed, and what the server finds wrong with it. */

import { h, icon } from './dom.js';
import { Problem } from './problem.js';

/**
 * A field with its label, for forms that are made by script.
 * @param {string} form Its id.
 * @param {string} name
 * @param {string} label
 * @param {HTMLElement} input
 * @param {string} [hint]
 */
export function field(form, name, label, input, hint) {
  const id = `${form}-${name}`;
  input.id = id;
  input.setAttribute('name', name);
  input.classList.add('input');
  if (hint) input.setAttribute('aria-describedby', `${id}-hint`);
  const control = input instanceof HTMLInputElement && input.type === 'password' ? h('div', { class: 'with-button' }, input, reveal(input)) : input;
  return h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    control,
    hint && h('p', { class: 'hint', id: `${id}-hint` }, hint),
    h('p', { class: 'wrong', id: `${id}-wrong` }),
  );
}

/** Where a form says what is wrong with all of it. @param {string} form */
export function wrongBox(form) {
  return h('p', { class: 'note-box bad', id: `${form}-wrong`, role: 'alert', hidden: true });
}

/**
 * A button that shows a password. @param {HTMLInputElement} input
 */
export function reveal(input) {
  const words = h('span', { class: 'only-read' }, 'Show the password');
  const picture = icon('show');
  const button = h('button', { class: 'button bare', type: 'button', 'aria-pressed': 'false' }, picture, words);
  button.addEventListener('click', () => {
    const shown = input.type === 'password';
    input.type = shown ? 'text' : 'password';
    picture.className = `icon icon-${shown ? 'hide' : 'show'}`;
    button.setAttribute('aria-pressed', String(shown));
  });
  return button;
}

/** @param {ParentNode} page Whose password fields get such a button. */
export function revealAll(page) {
  for (const input of page.querySelectorAll('.with-button > input')) input.after(reveal(/** @type {HTMLInputElement} */ (input)));
}

/**
 * Runs `send` when the form is sent, and shows what goes wrong beside the fields.
 * @param {HTMLFormElement} form
 * @param {(values: Record<string, string>) => Promise<void>} send
 */
export function whenSent(form, send) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = /** @type {HTMLButtonElement} */ (form.querySelector('[type="submit"]'));
    if (button.getAttribute('aria-busy') === 'true') return;
    clear(form);
    const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    const missing = [...form.elements].filter((element) => element instanceof HTMLInputElement && element.required && !element.value);
    if (missing.length > 0) {
      return show(form, new Problem(0, 'missing', '', missing.map((element) => ({ field: /** @type {HTMLInputElement} */ (element).name, detail: 'is missing' }))));
    }
    button.setAttribute('aria-busy', 'true');
    try {
      await send(values);
    } catch (error) {
      show(form, Problem.from(error));
    } finally {
      button.removeAttribute('aria-busy');
    }
  });
}

/** @param {HTMLFormElement} form */
function clear(form) {
  for (const element of form.querySelectorAll('[aria-invalid]')) {
    element.removeAttribute('aria-invalid');
    describe(element, (ids) => ids.delete(`${element.id}-wrong`));
  }
  for (const element of form.querySelectorAll('.wrong')) element.textContent = '';
  const box = document.getElementById(`${form.id}-wrong`);
  if (box) box.hidden = true;
}

/** @param {HTMLFormElement} form @param {Problem} problem */
function show(form, problem) {
  /** @type {HTMLInputElement | null} */
  let first = null;
  for (const { field: name, detail } of problem.fields) {
    const input = form.elements.namedItem(name);
    const place = document.getElementById(`${form.id}-${name}-wrong`);
    if (!(input instanceof HTMLElement) || !place) continue;
    input.setAttribute('aria-invalid', 'true');
    describe(input, (ids) => ids.add(place.id));
    place.textContent = [place.textContent, sentence(detail)].filter(Boolean).join(' ');
    first ??= /** @type {HTMLInputElement} */ (input);
  }
  const box = document.getElementById(`${form.id}-wrong`);
  const said = first && ['missing', 'bad_request'].includes(problem.code);
  if (box && !said) {
    box.textContent = problem.sentence;
    box.hidden = false;
  }
  first?.focus();
}

/**
 * Changes what is read aloud after the name of a field.
 * @param {Element} input
 * @param {(ids: Set<string>) => void} change
 */
function describe(input, change) {
  const ids = new Set((input.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean));
  change(ids);
  if (ids.size > 0) input.setAttribute('aria-describedby', [...ids].join(' '));
  else input.removeAttribute('aria-describedby');
}

/** @param {string} detail Such as “must be…” or a whole sentence. */
function sentence(detail) {
  const text = /^[a-z]/.test(detail) ? `This ${detail}` : detail;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/**
 * Marks a button as busy while `work` goes on.
 * @param {HTMLElement} button
 * @param {() => Promise<void>} work
 */
export async function busy(button, work) {
  if (button.getAttribute('aria-busy') === 'true') return;
  button.setAttribute('aria-busy', 'true');
  try {
    await work();
  } finally {
    button.removeAttribute('aria-busy');
  }
}
