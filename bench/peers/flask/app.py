"""What a service protected with Flask-JWT-Extended looks like, and a login service that rotates refresh tokens in Redis.

Settings: PEER_SECRET, PEER_ISSUER, PEER_AUDIENCE; PEER_REDIS_URL where refresh tokens are measured.

Latchkey's access tokens are accepted without a hook: one without `type` counts as an access token and one without `fresh`
as not fresh, the audience may be one of several, and the header's `typ` is not looked at. A token that is not accepted
would be answered 422; the hook makes it 401, as elsewhere.
"""

import os
import time
import uuid
from datetime import timedelta

import redis
from flask import Flask, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt,
    jwt_required,
)

REFRESH_LIFETIME = timedelta(days=30)
OF_THE_SESSION = ("sid", "client_id", "scope", "roles", "auth_time")

# The old token is taken for used only when it was still there, and the new one is saved only then.
ROTATE = """
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
return 1
"""

PLAIN_CLAIMS = {
    "sub": "0192f0c1-7d3e-7a52-9c1b-5d0e8f3a6b21",
    "sid": "0192f0c1-7d3f-7c08-8e44-1b6a9d2c7f35",
    "client_id": "first-party",
    "scope": "notes:read notes:write",
    "roles": ["user"],
    "auth_time": 1790000000,
    "exp": 1790000900,
}

app = Flask(__name__)
app.json.sort_keys = False
app.config.update(
    JWT_SECRET_KEY=os.environ["PEER_SECRET"],
    JWT_ALGORITHM="HS256",
    JWT_DECODE_ISSUER=os.environ["PEER_ISSUER"],
    JWT_DECODE_AUDIENCE=os.environ["PEER_AUDIENCE"],
    JWT_ENCODE_ISSUER=os.environ["PEER_ISSUER"],
    JWT_ENCODE_AUDIENCE=os.environ["PEER_AUDIENCE"],
    JWT_ACCESS_TOKEN_EXPIRES=timedelta(minutes=15),
    JWT_REFRESH_TOKEN_EXPIRES=REFRESH_LIFETIME,
)
jwt = JWTManager(app)

store = redis.Redis.from_url(os.environ.get("PEER_REDIS_URL", "redis://127.0.0.1:6379"))
rotate = store.register_script(ROTATE)


@jwt.invalid_token_loader
def refuse(reason):
    return {"msg": reason}, 401


@app.get("/api/whoami")
@jwt_required()
def whoami():
    return describe(get_jwt())


@app.get("/plain")
def plain():
    return describe(PLAIN_CLAIMS)


@app.post("/auth/login")
def login():
    """Asks for no password: what a hash costs is not what is compared here."""
    username = request.get_json()["username"]
    session = {
        "sid": str(uuid.uuid4()),
        "client_id": "first-party",
        "scope": "",
        "roles": ["user"],
        "auth_time": int(time.time()),
    }
    jti = str(uuid.uuid4())
    store.set(key_of(jti), username, ex=REFRESH_LIFETIME)
    return pair(username, session, jti)


@app.post("/auth/refresh")
@jwt_required(refresh=True, locations=["json"])
def refresh():
    """A refresh token holds once: its `jti` is in Redis until it is rotated."""
    old = get_jwt()
    jti = str(uuid.uuid4())
    lifetime = int(REFRESH_LIFETIME.total_seconds())
    if not rotate(keys=[key_of(old["jti"]), key_of(jti)], args=[old["sub"], lifetime]):
        return refuse("The token has been used")
    return pair(old["sub"], {name: old[name] for name in OF_THE_SESSION}, jti)


def pair(username, session, jti):
    return {
        "access_token": create_access_token(username, additional_claims=session),
        "refresh_token": create_refresh_token(username, additional_claims=session | {"jti": jti}),
    }


def key_of(jti):
    return f"refresh:{jti}"


def describe(claims):
    return {
        "sub": claims["sub"],
        "sid": claims["sid"],
        "client_id": claims["client_id"],
        "scope": claims["scope"],
        "roles": claims["roles"],
        "authenticated_at": rfc3339(claims["auth_time"]),
        "expires_at": rfc3339(claims["exp"]),
    }


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
