"""Calls another service, with a token of one's own or on behalf of the user whose token was presented."""

import os
import sys
import threading
import time

import requests

ENV = os.environ
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
kept, lock = {}, threading.Lock()  # scope -> (token, good until)


def own_token(scope):
    """Asked for once and kept until shortly before it ends; whoever asks meanwhile waits for the same answer."""
    with lock:
        if time.monotonic() >= kept.get(scope, ("", 0))[1]:
            answer = ask({"grant_type": "client_credentials", "scope": scope})
            kept[scope] = answer["access_token"], time.monotonic() + answer["expires_in"] * 0.9
        return kept[scope][0]


def forget(scope, refused=None):
    """After the token was refused, unless another caller has replaced it."""
    with lock:
        if refused is None or kept.get(scope, ("",))[0] == refused:
            kept.pop(scope, None)


def token_for(user_token, audience, scope):
    """A token for the service `audience`: the user stays its subject, and it says that this service acts (RFC 8693)."""
    form = {"subject_token": user_token, "subject_token_type": ACCESS_TOKEN, "audience": audience, "scope": scope}
    return ask({"grant_type": TOKEN_EXCHANGE} | form)["access_token"]


def ask(form):
    credentials = (ENV["SERVICE_CLIENT_ID"], ENV["SERVICE_CLIENT_SECRET"])
    answer = requests.post(ENV["SERVICE_TOKEN_URL"], form, auth=credentials, timeout=5, allow_redirects=False)
    answer.raise_for_status()
    return answer.json()


def get(url, token, **options):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(url, headers=headers, allow_redirects=False, **{"timeout": 5} | options)


def get_as_service(url, scope):
    token = own_token(scope)
    answer = get(url, token)
    if answer.status_code == 401:  # revoked, or signed with a key that is gone
        forget(scope, token)
        answer = get(url, own_token(scope))
    return answer


def get_as_user(url, user_token, audience, scope):
    return get(url, token_for(user_token, audience, scope))


if __name__ == "__main__":  # call.py URL SCOPE, or call.py URL SCOPE AUDIENCE with the user's token on standard input
    url, scope, *audience = sys.argv[1:]
    answer = get_as_user(url, sys.stdin.read().strip(), *audience, scope) if audience else get_as_service(url, scope)
    print(answer.status_code, answer.text)
