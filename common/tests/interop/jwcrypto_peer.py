"""Seals or opens a token with jwcrypto: the wish on standard input, the answer on standard output."""

import json
import sys

from jwcrypto import jwe, jwk, jws
from jwcrypto.common import base64url_encode


def secret_key(text):
    return jwk.JWK(kty="oct", k=base64url_encode(text))


def seal(header, claims, secret, outer, key):
    signed = jws.JWS(json.dumps(claims))
    signed.add_signature(secret_key(secret), protected=json.dumps(header))
    sealed = jwe.JWE(signed.serialize(compact=True), json.dumps(outer), algs=[outer["alg"], outer["enc"]])
    sealed.add_recipient(jwk.JWK(kty="oct", k=key))
    return sealed.serialize(compact=True)


def open_(token, key, kid, secret, issuer, audience, now):
    sealed = jwe.JWE(algs=["dir", "A256GCM"])
    sealed.deserialize(token, jwk.JWK(kty="oct", k=key))
    if sealed.jose_header.get("cty") != "JWT" or sealed.jose_header.get("kid") != kid:
        raise ValueError("another outer header")
    signed = jws.JWS()
    signed.allowed_algs = ["HS256"]
    signed.deserialize(sealed.payload.decode(), secret_key(secret))
    claims = json.loads(signed.payload)
    if signed.jose_header.get("typ") != "at+jwt" or claims["iss"] != issuer or audience not in claims["aud"]:
        raise ValueError("not an access token for this service")
    if claims["exp"] <= now:
        raise ValueError("expired")
    return claims


given = json.load(sys.stdin)
work = {"seal": seal, "open": open_}[given.pop("wish")]
try:
    answer = {"ok": work(**given)}
except Exception as error:  # whatever the library says is the answer
    answer = {"error": repr(error)}
json.dump(answer, sys.stdout)
