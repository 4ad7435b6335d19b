"""A service that trusts Latchkey: it verifies access tokens by itself, and asks nobody while it serves."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

import revocations

ENV, LEEWAY, LONGEST = os.environ, 5, 8192
# Keys that are gone come by the feed; while auth-service is away, those that are known stay good.
JWKS = jwt.PyJWKClient(ENV["JWT_JWKS_URL"], timeout=5, lifespan=10**9) if "JWT_JWKS_URL" in ENV else None
ALL_HAVE, USERS_HAVE = ["exp", "iat", "iss", "aud", "sub", "client_id", "jti", "scope"], {"sid", "roles", "auth_time"}


def claims_of(token):
    """What the token says; `jwt.PyJWTError` if it may not be believed."""
    if len(token) > LONGEST:
        raise jwt.InvalidTokenError("too long")
    key = JWKS.get_signing_key_from_jwt(token) if JWKS else ENV["JWT_SECRET"]
    algorithm = key.algorithm_name if JWKS else "HS256"  # the key says it, never the token
    verified = jwt.decode_complete(
        token, key, algorithms=[algorithm], issuer=ENV["JWT_ISSUER"], audience=ENV["JWT_AUDIENCE"], leeway=LEEWAY,
        options={"require": ALL_HAVE},
    )
    header, claims = verified["header"], verified["payload"]
    is_service = claims["sub"] == claims["client_id"]
    if header.get("typ") != "at+jwt" or claims.keys() & USERS_HAVE != (set() if is_service else USERS_HAVE):
        raise jwt.InvalidTokenError("not an access token of a user or of a service")
    if revocations.is_revoked(claims, header.get("kid")):
        raise jwt.InvalidTokenError("revoked")
    return claims


class Notes(BaseHTTPRequestHandler):
    def do_GET(self):
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return self.answer(401, {"code": "missing_token"})
        try:
            claims = claims_of(token.strip())
        except jwt.PyJWKClientConnectionError:
            return self.answer(503, {"code": "unavailable"})
        except jwt.PyJWTError:
            return self.answer(401, {"code": "invalid_token"})
        if not revocations.heard.is_set():
            return self.answer(503, {"code": "unavailable"})
        if "sid" not in claims or "notes:read" not in claims["scope"].split():
            return self.answer(403, {"code": "insufficient_scope"})
        self.answer(200, {"notes_of": claims["sub"]})

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status == 200 else "application/problem+json")
        if status in (401, 403):
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(json.dumps(body if status == 200 else {"status": status} | body).encode())


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(ENV.get("PORT", "8000"))), Notes)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
