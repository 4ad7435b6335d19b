/** The admin page: puts its parts together. */

import { audit } from './admin-audit.js';
import { clients } from './admin-clients.js';
import { loadKeys } from './admin-keys.js';
import { watchMetrics } from './admin-metrics.js';
import { users } from './admin-users.js';
import { colours } from './colours.js';
import { connection } from './connection.js';
import { h, need } from './dom.js';
import { busy, revealAll, whenSent } from './form.js';
import { complain } from './messages.js';
import { ALL_MODES, MODES } from './modes.js';
import { promptPassword } from './password-prompt.js';
import { Problem } from './problem.js';
import { views } from './views.js';

const ROLE = 'admin';

colours();
revealAll(document);
connection.askPassword = promptPassword;

const loadUsers = users();
const loadClients = clients();
const loadAudit = audit();

/** @type {Record<string, () => unknown>} */
const onShow = { overview: () => Promise.all([watchMetrics(), loadKeys()]), users: loadUsers, clients: loadClients, audit: loadAudit };
const page = views((name) => {
  if (document.body.dataset.state === 'in') onShow[name]?.();
});

connection.addEventListener('in', () => {
  const { user } = connection;
  need('me').textContent = need('refused-name').textContent = user?.username ?? '';
  if (!user?.roles.includes(ROLE)) return state('refused');
  state('in');
  page.show();
});

connection.addEventListener('out', (event) => {
  const { reason } = /** @type {CustomEvent} */ (event).detail;
  state('out');
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  if (reason !== 'logged_out') need('why').textContent = 'Your session is over. Log in again.';
});

for (const id of ['logout', 'refused-logout']) {
  need(id).addEventListener('click', (event) =>
    busy(/** @type {HTMLElement} */ (event.currentTarget), () => connection.logout().catch((error) => complain(Problem.from(error).sentence))),
  );
}

whenSent(need('login', HTMLFormElement), async ({ username, password, mode }) => {
  await connection.login(/** @type {import('./modes.js').Mode} */ (mode), false, { username, password });
  need('login', HTMLFormElement).reset();
});

try {
  await connection.resume();
} catch (error) {
  complain(Problem.from(error).sentence);
}
need('login-mode').append(...ALL_MODES.map((mode) => h('option', { value: mode, selected: mode === connection.mode }, MODES[mode].name)));
if (!connection.user) state('out');

/** @param {'in' | 'out' | 'refused'} name */
function state(name) {
  document.body.dataset.state = name;
}
