"""Does what it is asked on standard input with Authlib; the answer goes to standard output."""

import json
import sys

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import get_well_known_url
from joserfc import jwk

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

given = json.load(sys.stdin)
wish, issuer, client = given.pop("wish"), given.pop("issuer"), given.pop("client")
well_known = requests.get(get_well_known_url(issuer, external=True), timeout=10)
well_known.raise_for_status()
server = well_known.json()
if server["issuer"] != issuer:
    raise ValueError("another issuer")

session = OAuth2Session(
    client["id"],
    jwk.import_key(client["key"]) if "key" in client else client.get("secret"),
    token_endpoint_auth_method=client["method"],
    revocation_endpoint_auth_method=client["method"],
)
if client["method"] == "private_key_jwt":
    alg = "EdDSA" if client["key"]["kty"] == "OKP" else "ES256"
    assertion = PrivateKeyJWT(server["token_endpoint"], headers={"kid": client["key"]["kid"]}, alg=alg)
    session.register_client_auth_method(assertion)


def introspected(token):
    answer = session.introspect_token(server["introspection_endpoint"], token=token)
    answer.raise_for_status()
    return answer.json()


def revoked(token):
    session.revoke_token(server["revocation_endpoint"], token=token).raise_for_status()


wishes = {
    "discover": lambda: server,
    "client_credentials": lambda scope: session.fetch_token(
        server["token_endpoint"], grant_type="client_credentials", scope=scope
    ),
    "refresh": lambda token: session.refresh_token(server["token_endpoint"], refresh_token=token),
    "exchange": lambda form: session.fetch_token(server["token_endpoint"], grant_type=EXCHANGE, **form),
    "introspect": introspected,
    "revoke": revoked,
}

try:
    answer = {"ok": wishes[wish](**given)}
except Exception as error:  # whatever the library says is the answer
    answer = {"error": getattr(error, "error", None) or repr(error)}
json.dump(answer, sys.stdout)
