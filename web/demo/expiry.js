/**
 * When the login ends, where no answer to a login has told this page: after a reload, and for a session. The instant comes
 * from the server and so does the answer's `Date`, so this computer's clock may be as wrong as it likes.
 */

import { connection } from './connection.js';
import { seen } from './seen.js';

/** @param {Response} response @param {string} ends RFC 3339. @param {string} [began] RFC 3339. */
export function learnExpiry(response, ends, began) {
  const now = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isNaN(now)) return;
  const left = (Date.parse(ends) - now) / 1000;
  seen.endsIn(left, began ? (Date.parse(ends) - Date.parse(began)) / 1000 : left);
}

/** In mode `session` the tokens live on the far side of the gateway; what ends for the browser is the session. */
export async function learnSessionExpiry() {
  if (connection.mode !== 'session') return;
  const response = await connection.fetch('/auth/sessions');
  if (!response.ok) return;
  /** @type {{ items: import('./sessions.js').Session[] }} */
  const { items } = await response.clone().json();
  const own = items.find(({ current }) => current);
  if (own) learnExpiry(response, own.expires_at, own.last_seen_at);
}
