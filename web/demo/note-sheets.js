/** Dialogs about one note. */

import { connection } from './connection.js';
import { fill, h, icon, when } from './dom.js';
import { field, whenSent, wrongBox } from './form.js';
import { complain } from './messages.js';
import { Problem } from './problem.js';
import { sheet } from './sheet.js';

/** @typedef {import('./notes.js').Note} Note */
/** @typedef {{ user_id: string, username: string, shared_at: string }} Reader */

/**
 * @param {Note | null} note Null for a new one.
 * @returns {Promise<Note | null>} As it is now.
 */
export function editNote(note) {
  return sheet(note ? 'Edit the note' : 'New note', (close) => {
    const title = h('input', { maxlength: 200, required: true, autocomplete: 'off' });
    const body = h('textarea', { rows: 8 });
    title.value = note?.title ?? '';
    body.value = note?.body ?? '';
    const form = h(
      'form',
      { id: 'note-form', class: 'stack', novalidate: true },
      field('note-form', 'title', 'Title', title),
      field('note-form', 'body', 'Text', body),
      wrongBox('note-form'),
      h('div', { class: 'row end' }, h('button', { class: 'button', type: 'button', onclick: () => close(null) }, 'Cancel'), h('button', { class: 'button main', type: 'submit' }, note ? 'Save' : 'Write')),
    );
    whenSent(form, async (values) => {
      close(await connection.ask(note ? 'PUT' : 'POST', note ? `/api/notes/${note.id}` : '/api/notes', values));
    });
    return [form];
  });
}

/** @param {Note} note */
export async function readNote(note) {
  await sheet(note.title, () => [
    h('p', { class: 'small quiet' }, 'By user ', h('span', { class: 'mono' }, note.owner), ', changed ', when(note.updated_at)),
    h('p', { class: 'pre' }, note.body || '…'),
  ]);
}

/** @param {Note} note */
export async function shareNote(note) {
  /** @type {{ items: Reader[] }} */
  const { items } = await connection.ask('GET', `/api/notes/${note.id}/shares`);
  await sheet('Share the note', () => {
    const list = h('ul', { class: 'readers', role: 'list' });
    const draw = () => {
      fill(list, ...(items.length > 0 ? items.map(drawReader) : [h('li', {}, h('span', { class: 'small quiet' }, 'Nobody but you can read it.'))]));
    };
    /** @param {Reader} reader */
    const drawReader = (reader) => {
      const stop = async () => {
        try {
          await connection.ask('DELETE', `/api/notes/${note.id}/shares/${reader.user_id}`);
          items.splice(items.indexOf(reader), 1);
          draw();
        } catch (error) {
          complain(Problem.from(error).sentence);
        }
      };
      return h('li', {}, h('span', {}, reader.username), h('button', { class: 'button bare compact danger', type: 'button', onclick: stop }, icon('close'), h('span', { class: 'only-read' }, `Stop sharing with ${reader.username}`)));
    };
    const name = h('input', { required: true, autocomplete: 'off', autocapitalize: 'none', spellcheck: false });
    const form = h(
      'form',
      { id: 'share-form', class: 'stack tight', novalidate: true },
      field('share-form', 'username', 'Username', name, 'Who may read it from now on. auth-service is asked whether there is such a user.'),
      wrongBox('share-form'),
      h('div', {}, h('button', { class: 'button main', type: 'submit' }, icon('share'), 'Share')),
    );
    whenSent(form, async ({ username }) => {
      /** @type {Reader} */
      const reader = await connection.ask('POST', `/api/notes/${note.id}/shares`, { username });
      if (!items.some(({ user_id: id }) => id === reader.user_id)) items.push(reader);
      form.reset();
      draw();
    });
    draw();
    return [h('p', { class: 'quiet' }, `“${note.title}”`), form, h('h3', {}, 'Who may read it'), list];
  });
}
