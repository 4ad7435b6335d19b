// A service that trusts Latchkey: it verifies access tokens by itself, and asks nobody while it serves.

import { createServer } from "node:http";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { heard, isRevoked } from "./revocations.js";

const { JWT_SECRET, JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE, PORT = "8000" } = process.env;
// jose checks neither of them where it is undefined.
for (const name of ["JWT_ISSUER", "JWT_AUDIENCE"]) if (!process.env[name]) throw new Error(`${name} is not set`);
const LONGEST = 8192;
// Keys that are gone come by the feed; while auth-service is away, those that are known stay good.
const remote = () => createRemoteJWKSet(new URL(JWT_JWKS_URL), { cacheMaxAge: Infinity });
const KEYS = JWT_JWKS_URL ? remote() : new TextEncoder().encode(JWT_SECRET);
const KEYS_AWAY = ["ERR_JOSE_GENERIC", "ERR_JWKS_TIMEOUT"];
const USERS_HAVE = ["sid", "roles", "auth_time"];
const EXPECTED = {
  algorithms: JWT_JWKS_URL ? ["EdDSA", "ES256", "RS256"] : ["HS256"],
  typ: "at+jwt",
  issuer: JWT_ISSUER,
  audience: JWT_AUDIENCE,
  clockTolerance: 5,
  requiredClaims: ["exp", "iat", "sub", "client_id", "jti", "scope"],
};

// What the token says; throws if it may not be believed.
async function claimsOf(token) {
  if (token.length > LONGEST) throw new errors.JWTInvalid("too long");
  const { payload, protectedHeader } = await jwtVerify(token, KEYS, EXPECTED);
  const isService = payload.sub === payload.client_id;
  if (USERS_HAVE.some((name) => name in payload === isService)) {
    throw new errors.JWTInvalid("not an access token of a user or of a service");
  }
  if (isRevoked(payload, protectedHeader.kid)) throw new errors.JWTInvalid("revoked");
  return payload;
}

const refused = (status, code) => ({ status, body: { status, code } });

async function notes(request) {
  const [scheme, token = ""] = (request.headers.authorization ?? "").split(" ");
  if (scheme.toLowerCase() !== "bearer") return refused(401, "missing_token");
  let claims;
  try {
    claims = await claimsOf(token);
  } catch (error) {
    const theirs = error instanceof errors.JOSEError && !KEYS_AWAY.includes(error.code);
    return theirs ? refused(401, "invalid_token") : refused(503, "unavailable");
  }
  if (!heard) return refused(503, "unavailable");
  if (!("sid" in claims) || !claims.scope.split(" ").includes("notes:read")) return refused(403, "insufficient_scope");
  return { status: 200, body: { notes_of: claims.sub } };
}

const server = createServer(async (request, response) => {
  const { status, body } = await notes(request);
  response.setHeader("content-type", status === 200 ? "application/json" : "application/problem+json");
  if (status === 401 || status === 403) response.setHeader("www-authenticate", "Bearer");
  response.writeHead(status).end(JSON.stringify(body));
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
