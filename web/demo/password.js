/** The form that changes the password. */

import { connection } from './connection.js';
import { need } from './dom.js';
import { whenSent } from './form.js';
import { say } from './messages.js';
import { meter } from './meter.js';

export function password() {
  const form = need('password', HTMLFormElement);
  whenSent(form, async (values) => {
    const pending = await connection.ask('POST', '/auth/password', values);
    form.reset();
    say(pending ? 'Changed. The other sessions end as soon as the session store answers again.' : 'Changed. Your other sessions are over.');
  });
  const own = () => [connection.user?.username ?? '', ...(connection.user?.email ?? '').split(/[@.]/)];
  meter(need('password-meter'), need('password-new_password', HTMLInputElement), own);
  connection.addEventListener('out', () => form.reset());
}
