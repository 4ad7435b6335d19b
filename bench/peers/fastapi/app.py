"""What a service protected with PyJWT under FastAPI looks like.

Settings: PEER_SECRET, PEER_ISSUER, PEER_AUDIENCE.
"""

import os
import time
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

SECRET = os.environ["PEER_SECRET"]
ISSUER = os.environ["PEER_ISSUER"]
AUDIENCE = os.environ["PEER_AUDIENCE"]

PLAIN_CLAIMS = {
    "sub": "0192f0c1-7d3e-7a52-9c1b-5d0e8f3a6b21",
    "sid": "0192f0c1-7d3f-7c08-8e44-1b6a9d2c7f35",
    "client_id": "first-party",
    "scope": "notes:read notes:write",
    "roles": ["user"],
    "auth_time": 1790000000,
    "exp": 1790000900,
}

app = FastAPI()
bearer = HTTPBearer()


class Whoami(BaseModel):
    sub: str
    sid: str
    client_id: str
    scope: str
    roles: list[str]
    authenticated_at: str
    expires_at: str


async def claims_of(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> dict:
    try:
        return jwt.decode(
            credentials.credentials, SECRET, algorithms=["HS256"], issuer=ISSUER, audience=AUDIENCE
        )
    except jwt.InvalidTokenError:
        raise HTTPException(401)


@app.get("/api/whoami")
async def whoami(claims: Annotated[dict, Depends(claims_of)]) -> Whoami:
    return describe(claims)


@app.get("/plain")
async def plain() -> Whoami:
    return describe(PLAIN_CLAIMS)


def describe(claims: dict) -> Whoami:
    return Whoami(
        sub=claims["sub"],
        sid=claims["sid"],
        client_id=claims["client_id"],
        scope=claims["scope"],
        roles=claims["roles"],
        authenticated_at=rfc3339(claims["auth_time"]),
        expires_at=rfc3339(claims["exp"]),
    )


def rfc3339(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
