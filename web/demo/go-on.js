/**
 * `?next=`: the gateway sends whoever opens a guarded page without a login to this one, and says where they wanted to go. A
 * login that had only run dry is refreshed here, so that they often do not even notice.
 */

import { connection } from './connection.js';
import { say } from './messages.js';
import { nextPlace } from './next-place.js';

const TRIED = 'latchkey-demo-next';
/** Milliseconds. Who comes back sooner than this was refused again. */
const SOON = 5_000;

/** Goes on to where the user wanted, where a browser can go there by itself. */
export function goOn() {
  const next = nextPlace(location.search);
  if (!next) return;
  if (connection.mode !== 'cookie' && connection.mode !== 'session') {
    return say(`To open ${next}, log in with Cookies or Session: a browser sends no Authorization header by itself.`);
  }
  const last = Number(sessionStorage.getItem(TRIED));
  sessionStorage.setItem(TRIED, String(Date.now()));
  if (Date.now() - last < SOON) return say(`You are logged in, but ${next} does not let you in.`);
  location.replace(next);
}
