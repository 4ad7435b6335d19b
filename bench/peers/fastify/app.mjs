// What a service protected with jose under Fastify looks like.
//
// Settings: PEER_PORT, PEER_ISSUER, PEER_AUDIENCE, PEER_ALGORITHM (HS256 or EdDSA) and the key that it asks for:
// PEER_SECRET, or PEER_PUBLIC_JWK as JSON.

import Fastify from "fastify";
import { importJWK, jwtVerify } from "jose";
import { PLAIN_CLAIMS, describe, schema } from "../whoami.mjs";

const { PEER_PORT, PEER_ISSUER, PEER_AUDIENCE, PEER_ALGORITHM = "HS256" } = process.env;

const key = await importKey();
const expected = { issuer: PEER_ISSUER, audience: PEER_AUDIENCE, algorithms: [PEER_ALGORITHM], typ: "at+jwt" };

const app = Fastify({ logger: false });
app.decorateRequest("claims", null);
app.get("/api/whoami", { schema, onRequest: authenticate }, async (request) => describe(request.claims));
app.get("/plain", { schema }, async () => describe(PLAIN_CLAIMS));
await app.listen({ host: "127.0.0.1", port: Number(PEER_PORT) });

async function authenticate(request, reply) {
  const header = request.headers.authorization;
  if (!header?.startsWith("Bearer ")) return reply.code(401).send();
  try {
    request.claims = (await jwtVerify(header.slice("Bearer ".length), key, expected)).payload;
  } catch {
    return reply.code(401).send();
  }
}

// jose would import bytes anew for each token.
async function importKey() {
  if (PEER_ALGORITHM === "EdDSA") return importJWK(JSON.parse(process.env.PEER_PUBLIC_JWK), "EdDSA");
  const secret = new TextEncoder().encode(process.env.PEER_SECRET);
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}
