/**
 * `?next=`: the gateway sends whoever opens a guarded page without a login to this one, and says where they wanted to go. A
 * login that had only run dry is refreshed here, so that they often do not even notice.
 */

import { connection } from './connection.js';
import { say } from './messages.js';

/** The places that the gateway sends people from. Anything else is none of its doing, and not followed. */
const PLACES = /^\/(?:protected|legacy)\/(?!.*(?:\/\/|\.\.))[\w/.~?=-]*$/;
const TRIED = 'latchkey-demo-next';
/** Milliseconds. Who comes back sooner than this was refused again. */
const SOON = 5_000;

/** @returns {string | null} */
export function wanted() {
  const next = new URLSearchParams(location.search).get('next');
  return next && PLACES.test(next) ? next : null;
}

/** Goes on to where the user wanted, where a browser can go there by itself. */
export function goOn() {
  const next = wanted();
  if (!next) return;
  if (connection.mode !== 'cookie' && connection.mode !== 'session') {
    return say(`To open ${next}, log in with Cookies or Session: a browser sends no Authorization header by itself.`);
  }
  const last = Number(sessionStorage.getItem(TRIED));
  sessionStorage.setItem(TRIED, String(Date.now()));
  if (Date.now() - last < SOON) return say(`You are logged in, but ${next} does not let you in.`);
  location.replace(next);
}
