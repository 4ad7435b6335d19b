/** The tokens that a script on this page could get hold of, by listening at the wire. */

import { wire } from './wire.js';

class Seen extends EventTarget {
  /** @type {string | null} */
  accessToken = null;
  /** @type {string | null} */
  refreshToken = null;
  /** @type {{ ends: number, lasts: number } | null} By `performance.now()`, which no clock change moves. */
  expiry = null;

  /** @param {number} seconds From now. @param {number} [lasts] Seconds of all its life. */
  endsIn(seconds, lasts = seconds) {
    this.expiry = { ends: performance.now() + seconds * 1000, lasts: lasts * 1000 };
    this.dispatchEvent(new Event('change'));
  }

  /** What `latchkey.js` was told to put into `sessionStorage` lies open there. */
  look() {
    for (const [key, text] of Object.entries(sessionStorage)) {
      if (!key.startsWith('latchkey ')) continue;
      const { access, refresh } = JSON.parse(text);
      this.accessToken ??= access ?? null;
      this.refreshToken ??= refresh ?? null;
    }
  }

  forget() {
    this.accessToken = this.refreshToken = this.expiry = null;
    this.dispatchEvent(new Event('change'));
  }
}

export const seen = new Seen();

wire.addEventListener('exchange', (event) => {
  const { answer, bearer, sent, status } = /** @type {CustomEvent<import('./wire.js').Exchange>} */ (event).detail;
  const before = seen.accessToken;
  if (status !== 401 && bearer) seen.accessToken = bearer;
  if (status !== 401 && sent) seen.refreshToken = sent;
  if (status === 200 && answer) {
    seen.accessToken = answer.access_token ?? seen.accessToken;
    seen.refreshToken = answer.refresh_token ?? seen.refreshToken;
    if (typeof answer.expires_in === 'number') seen.endsIn(answer.expires_in);
  }
  if (before !== seen.accessToken) seen.dispatchEvent(new Event('change'));
});
