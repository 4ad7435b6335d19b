// Does what it is asked on standard input with oauth4webapi; the answer goes to standard output.

import { readFileSync } from "node:fs";
import * as oauth from "oauth4webapi";

const { wish, issuer, client, ...given } = JSON.parse(readFileSync(0, "utf8"));
const INSECURE = { [oauth.allowInsecureRequests]: true };
const self = { client_id: client.id };

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

const url = new URL(issuer);
const discovered = await oauth.discoveryRequest(url, { algorithm: "oauth2", ...INSECURE });
const server = await oauth.processDiscoveryResponse(url, discovered);
const how = await authentication();

const wishes = {
  discover: () => server,
  client_credentials: async ({ scope }) =>
    oauth.processClientCredentialsResponse(
      server,
      self,
      await oauth.clientCredentialsGrantRequest(server, self, how, { scope }, INSECURE),
    ),
  refresh: async ({ token }) =>
    oauth.processRefreshTokenResponse(
      server,
      self,
      await oauth.refreshTokenGrantRequest(server, self, how, token, INSECURE),
    ),
  exchange: async ({ form }) => {
    const grant = "urn:ietf:params:oauth:grant-type:token-exchange";
    const answer = await oauth.genericTokenEndpointRequest(server, self, how, grant, form, INSECURE);
    return oauth.processGenericTokenEndpointResponse(server, self, answer);
  },
  introspect: async ({ token }) =>
    oauth.processIntrospectionResponse(
      server,
      self,
      await oauth.introspectionRequest(server, self, how, token, INSECURE),
    ),
  revoke: async ({ token }) => {
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, self, how, token, INSECURE));
    return null;
  },
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
