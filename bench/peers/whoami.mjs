// The answer that the services under Node give: what the claims of a token say.

const text = { type: "string" };

/** The answer's schema, from which Fastify makes its writer of JSON. */
export const schema = {
  response: {
    200: {
      type: "object",
      properties: {
        sub: text,
        sid: text,
        client_id: text,
        scope: text,
        roles: { type: "array", items: text },
        authenticated_at: text,
        expires_at: text,
      },
    },
  },
};

/** What is answered where no token is asked for. Times are seconds since the epoch. */
export const PLAIN_CLAIMS = {
  sub: "0192f0c1-7d3e-7a52-9c1b-5d0e8f3a6b21",
  sid: "0192f0c1-7d3f-7c08-8e44-1b6a9d2c7f35",
  client_id: "first-party",
  scope: "notes:read notes:write",
  roles: ["user"],
  auth_time: 1790000000,
  exp: 1790000900,
};

/** The answer for these claims. */
export function describe(claims) {
  return {
    sub: claims.sub,
    sid: claims.sid,
    client_id: claims.client_id,
    scope: claims.scope,
    roles: claims.roles,
    authenticated_at: rfc3339(claims.auth_time),
    expires_at: rfc3339(claims.exp),
  };
}

function rfc3339(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, "2026-11-24T00:00:00".length)}Z`;
}
