/** Notes: the user's own and those that others share. */

import { connection } from './connection.js';
import { day, fill, h, icon, need } from './dom.js';
import { busy } from './form.js';
import { complain, say } from './messages.js';
import { editNote, readNote, shareNote } from './note-sheets.js';
import { Problem } from './problem.js';
import { sure } from './sheet.js';

/** @typedef {{ id: string, owner: string, title: string, body: string, created_at: string, updated_at: string }} Note */

/** A search goes over what is loaded, so everything is, up to this many pages of a hundred. */
const MOST_PAGES = 20;

/** @type {{ mine: Note[], shared: Note[] }} */
const loaded = { mine: [], shared: [] };
/** @type {'mine' | 'shared'} */
let whose = 'mine';
let complete = true;

export function notes() {
  need('note-add').addEventListener('click', async () => {
    const note = await editNote(null);
    if (!note) return;
    say('Written.');
    await load();
  });
  need('note-search').addEventListener('input', draw);
  const buttons = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll('[data-whose]')]);
  for (const button of buttons) {
    button.addEventListener('click', async () => {
      whose = button.dataset.whose === 'shared' ? 'shared' : 'mine';
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      draw();
      await load();
    });
  }
  connection.addEventListener('out', () => {
    loaded.mine = loaded.shared = [];
    need('note-search', HTMLInputElement).value = '';
    draw();
  });
}

export async function load() {
  const asked = whose;
  try {
    /** @type {Note[]} */
    const items = [];
    let after = '';
    let pages = 0;
    do {
      const page = await connection.ask('GET', `/api/${asked === 'mine' ? 'notes' : 'shared-notes'}?limit=100${after && `&after=${encodeURIComponent(after)}`}`);
      items.push(...page.items);
      after = page.next ?? '';
      pages += 1;
    } while (after && pages < MOST_PAGES);
    loaded[asked] = items;
    complete = !after;
    if (asked === whose) draw();
  } catch (error) {
    failed(error);
  }
}

function draw() {
  const words = need('note-search', HTMLInputElement).value.trim().toLowerCase();
  const all = loaded[whose];
  const found = words ? all.filter(({ title, body }) => `${title}\n${body}`.toLowerCase().includes(words)) : all;
  need('notes-count').textContent = count(found.length, all.length, words);
  fill(need('notes'), ...(found.length > 0 ? found.map((note) => drawNote(note, words)) : [empty(words)]));
}

/** @param {number} found @param {number} all @param {string} words */
function count(found, all, words) {
  const notes = (/** @type {number} */ number) => `${number} ${number === 1 ? 'note' : 'notes'}`;
  const limits = complete ? '' : ', the newest';
  return words ? `${found} of ${notes(all)}${limits}` : all > 0 ? notes(all) + limits : '';
}

/** @param {string} words */
function empty(words) {
  if (words) return h('li', { class: 'empty' }, icon('search'), h('strong', {}, 'Nothing found'), `No note says “${words}”.`);
  if (whose === 'shared') return h('li', { class: 'empty' }, icon('share'), h('strong', {}, 'Nobody shares a note with you yet'), 'Ask somebody to share one with your username.');
  return h('li', { class: 'empty' }, icon('note'), h('strong', {}, 'No notes yet'), 'Write the first one: only you can read it until you share it.');
}

/** @param {Note} note @param {string} words */
function drawNote(note, words) {
  const mine = whose === 'mine';
  const named = (/** @type {string} */ act) => h('span', { class: 'only-read' }, `${act} “${note.title}”`);
  const acts = mine
    ? [
        h('button', { class: 'button bare compact', type: 'button', title: 'Share', onclick: () => shareNote(note).catch(failed) }, icon('share'), named('Share')),
        h('button', { class: 'button bare compact', type: 'button', title: 'Edit', onclick: () => edit(note) }, icon('edit'), named('Edit')),
        h('button', { class: 'button bare compact danger', type: 'button', title: 'Delete', onclick: (/** @type {Event} */ event) => remove(note, event) }, icon('delete'), named('Delete')),
      ]
    : [
        h('button', { class: 'button bare compact', type: 'button', title: 'Read', onclick: () => readNote(note) }, icon('show'), named('Read')),
        h('button', { class: 'button bare compact danger', type: 'button', title: 'Take off my list', onclick: (/** @type {Event} */ event) => leave(note, event) }, icon('close'), named('Take off my list')),
      ];
  return h(
    'li',
    { class: 'note' },
    h('h3', {}, ...marked(note.title, words)),
    h('p', { class: 'note-text' }, ...marked(note.body || '…', words)),
    h('div', { class: 'note-foot' }, h('span', { class: 'small quiet' }, day(note.updated_at)), h('div', { class: 'row' }, ...acts)),
  );
}

/** @param {string} text @param {string} words @returns {(string | Node)[]} */
function marked(text, words) {
  const at = words ? text.toLowerCase().indexOf(words) : -1;
  if (at < 0) return [text];
  return [text.slice(0, at), h('mark', {}, text.slice(at, at + words.length)), text.slice(at + words.length)];
}

/** @param {Note} note */
async function edit(note) {
  if (await editNote(note)) {
    say('Changed.');
    await load();
  }
}

/** @param {Note} note @param {Event} event */
async function remove(note, event) {
  if (!(await sure('Delete this note?', `“${note.title}” is gone for good then, also for those who may read it.`, 'Delete'))) return;
  await change(event, () => connection.ask('DELETE', `/api/notes/${note.id}`), 'Deleted.');
}

/** @param {Note} note @param {Event} event */
async function leave(note, event) {
  await change(event, () => connection.ask('DELETE', `/api/notes/${note.id}/shares/${connection.user?.id}`), 'Taken off your list.');
}

/** @param {Event} event @param {() => Promise<void>} work @param {string} done */
async function change(event, work, done) {
  const button = /** @type {HTMLElement} */ (event.currentTarget ?? event.target);
  await busy(button, async () => {
    try {
      await work();
      say(done);
      await load();
    } catch (error) {
      failed(error);
    }
  });
}

/** @param {unknown} error */
function failed(error) {
  if (connection.user) complain(Problem.from(error).sentence);
}
