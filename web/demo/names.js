/** Users by their ids, and ids by their names, each looked up once. */

import { connection } from './connection.js';

/** @typedef {import('./admin-users.js').User} User */

/** As many as are kept; the oldest go first. */
const MOST = 500;
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

/** @type {Map<string, Promise<string | null>>} */
const known = new Map();

/** @param {string} id @returns {Promise<string | null>} Null where there is no such user any more. */
export function nameOf(id) {
  const name = known.get(id) ?? connection.ask('GET', `/admin/users/${id}`).then((/** @type {User} */ user) => user.username, () => null);
  known.set(id, name);
  for (const oldest of known.keys()) {
    if (known.size <= MOST) break;
    known.delete(oldest);
  }
  return name;
}

/** @param {string} text A username or an id. @returns {Promise<string | null>} Null where there is no such user. */
export async function idOf(text) {
  if (UUID.test(text)) return text;
  const wanted = text.toLowerCase();
  /** @type {{ items: User[] }} */
  const { items } = await connection.ask('GET', `/admin/users?${new URLSearchParams({ limit: '200', search: wanted })}`);
  return items.find(({ username, email }) => username === wanted || email === wanted)?.id ?? null;
}
