/** The demo page: puts its parts together. */

import { account } from './account.js';
import { colours } from './colours.js';
import { connection } from './connection.js';
import { need } from './dom.js';
import { experiments } from './experiments.js';
import { goOn } from './go-on.js';
import { drawHoldings } from './holdings.js';
import { complain } from './messages.js';
import { nextPlace } from './next-place.js';
import * as notes from './notes.js';
import { password } from './password.js';
import { promptPassword } from './password-prompt.js';
import { Problem } from './problem.js';
import { seen } from './seen.js';
import * as sessions from './sessions.js';
import { chosenMode, signIn } from './sign-in.js';
import { token } from './token.js';
import { views } from './views.js';
import { wireList } from './wire-list.js';

/** @type {Record<string, string>} */
const WHY_OUT = {
  token_reused: 'A used refresh token came back: somebody else held a copy of yours. Latchkey ended the login for both of you. Log in again, and the copy stays worthless.',
  login_required: 'This session is over: it was ended from elsewhere, or its time was up.',
};

colours();
wireList();
account();
notes.notes();
sessions.sessions();
token();
password();
experiments();
connection.askPassword = promptPassword;

/** @type {Record<string, () => void>} */
const onShow = { notes: notes.load, sessions: sessions.load };
const page = views((name) => {
  if (connection.user) onShow[name]?.();
});

connection.addEventListener('in', () => {
  state('in');
  need('why-out').hidden = true;
  drawHoldings(connection.mode);
  page.show();
  scrollTo({ top: 0 });
  need('hello').focus({ preventScroll: true });
  goOn();
});

connection.addEventListener('out', (event) => {
  const why = WHY_OUT[/** @type {CustomEvent} */ (event).detail.reason];
  state('out');
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  need('why-out').textContent = why ?? '';
  need('why-out').hidden = !why;
  drawHoldings(chosenMode());
  need('login-username').focus({ preventScroll: true });
  scrollTo({ top: 0 });
});

seen.addEventListener('change', () => {
  if (connection.user) drawHoldings(connection.mode);
});

try {
  await connection.resume();
} catch (error) {
  complain(Problem.from(error).sentence);
}
signIn((mode) => {
  if (!connection.user) drawHoldings(mode);
});
if (!connection.user) {
  state('out');
  const next = nextPlace(location.search);
  need('why-out').textContent = next ? `Log in with Cookies or Session to go on to ${next}.` : '';
  need('why-out').hidden = !next;
}

/** @param {'in' | 'out'} name */
function state(name) {
  document.body.dataset.state = name;
}
