// Calls another service, with a token of one's own or on behalf of the user whose token was presented.

import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const { SERVICE_TOKEN_URL, SERVICE_CLIENT_ID, SERVICE_CLIENT_SECRET } = process.env;
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const kept = new Map(); // scope -> { token, goodUntil }, the token a promise

// Asked for once and kept until shortly before it ends; whoever asks meanwhile waits for the same answer.
export function ownToken(scope) {
  const known = kept.get(scope);
  if (known && performance.now() < known.goodUntil) return known.token;
  const asked = { goodUntil: Infinity };
  asked.token = ask({ grant_type: "client_credentials", scope }).then(({ access_token, expires_in }) => {
    asked.goodUntil = performance.now() + expires_in * 900;
    return access_token;
  });
  asked.token.catch(() => forget(scope, asked.token));
  kept.set(scope, asked);
  return asked.token;
}

// After the token was refused, unless another caller has replaced it.
export function forget(scope, refused = kept.get(scope)?.token) {
  if (kept.get(scope)?.token === refused) kept.delete(scope);
}

// A token for the service `audience`: the user stays its subject, and it says that this service acts (RFC 8693).
export async function tokenFor(userToken, audience, scope) {
  const form = { subject_token: userToken, subject_token_type: ACCESS_TOKEN, audience, scope };
  return (await ask({ grant_type: TOKEN_EXCHANGE, ...form })).access_token;
}

async function ask(form) {
  const basic = Buffer.from(`${SERVICE_CLIENT_ID}:${SERVICE_CLIENT_SECRET}`).toString("base64");
  const headers = { authorization: `Basic ${basic}` };
  const options = { method: "POST", headers, redirect: "error", signal: AbortSignal.timeout(5_000) };
  const answer = await fetch(SERVICE_TOKEN_URL, { ...options, body: new URLSearchParams(form) });
  if (!answer.ok) throw new Error(`no token: ${answer.status}`);
  return answer.json();
}

export function get(url, token, patience = 5_000) {
  const headers = { authorization: `Bearer ${token}` };
  return fetch(url, { headers, redirect: "error", signal: AbortSignal.timeout(patience) });
}

export async function getAsService(url, scope) {
  const token = ownToken(scope);
  const answer = await get(url, await token);
  if (answer.status !== 401) return answer;
  forget(scope, token); // revoked, or signed with a key that is gone
  return get(url, await ownToken(scope));
}

export async function getAsUser(url, userToken, audience, scope) {
  return get(url, await tokenFor(userToken, audience, scope));
}

// node call.js URL SCOPE, or node call.js URL SCOPE AUDIENCE with the user's token on standard input
if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [url, scope, audience] = process.argv.slice(2);
  const userToken = async () => (await text(process.stdin)).trim();
  const answer = await (audience ? getAsUser(url, await userToken(), audience, scope) : getAsService(url, scope));
  console.log(answer.status, await answer.text());
}
