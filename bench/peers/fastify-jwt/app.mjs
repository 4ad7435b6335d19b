// What a service protected with @fastify/jwt looks like, which verifies with fast-jwt and remembers what it has verified.
//
// Settings: PEER_PORT, PEER_ISSUER, PEER_AUDIENCE, PEER_ALGORITHM (HS256 or EdDSA) and the key that it asks for:
// PEER_SECRET, or PEER_PUBLIC_JWK as JSON. PEER_CACHE is how many tokens it remembers, 10000 unless told; 0 for none. They
// are remembered by their text: the hash that fast-jwt would take of it costs more than the look-up.

import { createPublicKey } from "node:crypto";
import Fastify from "fastify";
import jwt from "@fastify/jwt";
import { PLAIN_CLAIMS, describe, schema } from "../whoami.mjs";

const { PEER_PORT, PEER_ISSUER, PEER_AUDIENCE, PEER_ALGORITHM = "HS256", PEER_CACHE = "10000" } = process.env;

const app = Fastify({ logger: false });
await app.register(jwt, {
  secret: key(),
  verify: {
    algorithms: [PEER_ALGORITHM],
    allowedIss: PEER_ISSUER,
    allowedAud: PEER_AUDIENCE,
    checkTyp: "at+jwt",
    cache: Number(PEER_CACHE),
    cacheKeyBuilder: (token) => token,
  },
});
app.get("/api/whoami", { schema, onRequest: authenticate }, async (request) => describe(request.user));
app.get("/plain", { schema }, async () => describe(PLAIN_CLAIMS));
await app.listen({ host: "127.0.0.1", port: Number(PEER_PORT) });

// By jwt.verify, not by request.jwtVerify: that decodes each token before it looks into what is remembered.
async function authenticate(request, reply) {
  const header = request.headers.authorization;
  if (!header?.startsWith("Bearer ")) return reply.code(401).send();
  try {
    request.user = app.jwt.verify(header.slice("Bearer ".length));
  } catch {
    return reply.code(401).send();
  }
}

// fast-jwt takes public keys as PEM only.
function key() {
  if (PEER_ALGORITHM === "HS256") return process.env.PEER_SECRET;
  const jwk = createPublicKey({ key: JSON.parse(process.env.PEER_PUBLIC_JWK), format: "jwk" });
  return { public: jwk.export({ type: "spki", format: "pem" }) };
}
