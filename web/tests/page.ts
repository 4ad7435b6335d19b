// A page in TypeScript. Each expected error must be one.

import { Latchkey, LatchkeyError, type Session } from '../latchkey.js';

const auth = new Latchkey({ baseUrl: 'https://login.example', mode: 'bearer', storage: sessionStorage });

auth.addEventListener('login', ({ detail }) => detail.scope?.split(' '));
auth.addEventListener('logout', ({ detail }) => {
  const reason: 'logged_out' | 'login_required' | 'token_reused' = detail.reason;
  document.title = reason;
});

export async function show(): Promise<Session | null> {
  try {
    await auth.login({ username: 'ada', password: 'secret', newPassword: 'better' });
    const answer: Response = await auth.fetch('/api/notes', { method: 'POST', body: new FormData() });
    document.title = answer.statusText;
  } catch (error) {
    if (error instanceof LatchkeyError) document.title = `${error.code} ${error.problem.errors?.[0].field}`;
  }
  return auth.session;
}

// @ts-expect-error There is no such mode.
new Latchkey({ mode: 'basic' });
// @ts-expect-error There is no such event.
auth.addEventListener('expired', () => {});
// @ts-expect-error A login needs a password.
void auth.login({ username: 'ada' });
// @ts-expect-error It may be null.
auth.session.scope;
