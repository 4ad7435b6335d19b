// The page of the tests: a client, and what it has told of.

import { Latchkey } from '/latchkey.js';

const mode = new URLSearchParams(location.search).get('mode');
const auth = new Latchkey({ mode, storage: localStorage });
window.told = [];
for (const type of ['login', 'refresh', 'logout']) {
  auth.addEventListener(type, ({ detail }) => window.told.push(detail.reason ?? type));
}

window.ask = async (path, init) => {
  try {
    const answer = await auth.fetch(path, init);
    return { status: answer.status, body: await answer.json().catch(() => null) };
  } catch (error) {
    return { error: error.name };
  }
};

window.auth = auth;
