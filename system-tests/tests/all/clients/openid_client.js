// Does what it is asked on standard input with openid-client; the answer goes to standard output.

import { readFileSync } from "node:fs";
import * as oauth from "openid-client";

const { wish, issuer, client, ...given } = JSON.parse(readFileSync(0, "utf8"));

async function authentication() {
  switch (client.method) {
    case "none":
      return oauth.None();
    case "client_secret_basic":
      return oauth.ClientSecretBasic(client.secret);
    case "client_secret_post":
      return oauth.ClientSecretPost(client.secret);
    case "private_key_jwt": {
      const name = client.key.kty === "OKP" ? { name: "Ed25519" } : { name: "ECDSA", namedCurve: "P-256" };
      const key = await crypto.subtle.importKey("jwk", client.key, name, false, ["sign"]);
      return oauth.PrivateKeyJwt({ key, kid: client.key.kid });
    }
  }
}

const options = { algorithm: "oauth2", execute: [oauth.allowInsecureRequests] };
const config = await oauth.discovery(new URL(issuer), client.id, undefined, await authentication(), options);

const wishes = {
  discover: () => config.serverMetadata(),
  client_credentials: ({ scope }) => oauth.clientCredentialsGrant(config, { scope }),
  refresh: ({ token }) => oauth.refreshTokenGrant(config, token),
  exchange: ({ form }) =>
    oauth.genericGrantRequest(config, "urn:ietf:params:oauth:grant-type:token-exchange", form),
  introspect: ({ token }) => oauth.tokenIntrospection(config, token),
  revoke: async ({ token }) => (await oauth.tokenRevocation(config, token)) ?? null,
};

let answer;
try {
  answer = { ok: await wishes[wish](given) };
} catch (error) {
  // With a challenge in the header, the library leaves the body alone.
  const told = error.response?.bodyUsed === false ? await error.response.json() : error;
  answer = { error: told.error ?? error.message };
}
console.log(JSON.stringify(answer));
