"""What Schemathesis does before each request: it shows a token, and often says what is true where it would make things up."""

import itertools
import os
from random import Random

import requests
import schemathesis

AUTH, TOKEN, PASSWORD = os.environ["AUTH_URL"], os.environ.get("TOKEN"), "plum-anvil-tundra-9"
CLIENT = os.environ.get("CLIENT_ID", ""), os.environ.get("CLIENT_SECRET", "")
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
# These end the session or look at the password: each request has a user of its own.
OF_ITS_OWN = {
    ("DELETE", "/auth/me"),
    ("DELETE", "/auth/sessions/{sid}"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/logout-all"),
    ("POST", "/auth/password"),
    ("POST", "/auth/reauth"),
    ("POST", "/auth/refresh"),
    ("POST", "/auth/login"),
}
numbers, chance = itertools.count(), Random(1)


@schemathesis.hook
def before_call(context, case, **kwargs):
    case.headers.update(from_somewhere())
    operation = (case.method.upper(), case.operation.path)
    if TOKEN is None:
        return
    if operation[1].startswith("/oauth/"):
        ask_as_client(case)
        return
    if operation not in OF_ITS_OWN:
        case.headers["Authorization"] = f"Bearer {TOKEN}"
        if "/admin/users/{id}" in case.operation.path and chance.random() < 0.5:
            case.path_parameters["id"] = registered()["id"]
        return
    person = logged_in()
    if operation[1] == "/auth/refresh":
        tell(case, person, "refresh_token")
    elif operation[1] != "/auth/login":
        case.headers["Authorization"] = f"Bearer {person['access_token']}"
    if chance.random() < 0.5:
        for name, value in [("username", person["username"]), ("password", PASSWORD), ("current_password", PASSWORD)]:
            if isinstance(case.body, dict) and isinstance(case.body.get(name), str):
                case.body[name] = value
        if "sid" in (case.path_parameters or {}):
            case.path_parameters["sid"] = sessions(person)[0]["id"]


def ask_as_client(case):
    """With the secret in the header, and in half of the requests with a form that makes sense."""
    case.headers["Authorization"] = requests.auth._basic_auth_str(*CLIENT)
    if chance.random() < 0.5:
        person = logged_in()
        grants = [
            {"grant_type": "client_credentials"},
            {"grant_type": TOKEN_EXCHANGE, "subject_token": person["access_token"], "subject_token_type": ACCESS_TOKEN},
        ]
        about = {"token": chance.choice([person["access_token"], person["refresh_token"]])}
        case.body = chance.choice(grants) if case.operation.path == "/oauth/token" else about
        case.media_type = "application/x-www-form-urlencoded"


def from_somewhere():
    """Throttling looks at the address."""
    return {"X-Forwarded-For": f"203.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}"}


def tell(case, person, name):
    """In the body, where there is one, and else in the header."""
    if isinstance(case.body, dict) and isinstance(case.body.get(name), str):
        case.body[name] = person[name]
    else:
        case.headers["Authorization"] = f"Bearer {person[name]}"


def registered():
    person = {"username": f"schemathesis{next(numbers)}", "password": PASSWORD}
    return asked("POST", "/auth/register", json=person)


def logged_in():
    username = registered()["username"]
    tokens = asked("POST", "/auth/login", json={"username": username, "password": PASSWORD})
    return tokens | {"username": username}


def sessions(person):
    headers = {"Authorization": f"Bearer {person['access_token']}"}
    return asked("GET", "/auth/sessions", headers=headers)["items"]


def asked(method, path, headers=None, **kwargs):
    headers = from_somewhere() | (headers or {})
    answer = requests.request(method, AUTH + path, headers=headers, timeout=10, **kwargs)
    answer.raise_for_status()
    return answer.json()
