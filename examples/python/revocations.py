"""Follows what Latchkey revokes, in the background."""

import os
import random
import threading
import time

from call import forget, get, own_token

SCOPE, LEEWAY, FIRST_PAUSE, LONGEST_PAUSE = "revocations:read", 5, 0.1, 5
revoked = {}  # (kind, id) -> (tokens issued before, until)
heard = threading.Event()  # set once `revoked` has been as good as the feed


def is_revoked(claims, kid):
    """Whether the token with these verified claims was revoked; `kid` names the key that signed it."""
    names = [("jti", claims["jti"]), ("kid", kid)]
    if "sid" in claims:
        names.append(("sid", claims["sid"]))
    if "sid" not in claims or "act" in claims:  # a service's own, or one that it exchanged
        names.append(("client", claims["client_id"]))
    return any(claims["iat"] < revoked.get(name, (0, 0))[0] for name in names)


def follow():
    cursor, at_the_end, pause = None, False, FIRST_PAUSE
    while True:
        try:
            told = ask(cursor, wait=25 if at_the_end else 0)
            if told is None:  # begin again, and keep what is known
                cursor = None
                raise LookupError("the feed was made anew or put back")
            for entry in told["entries"]:
                add(entry)
            drop_what_is_over(time.time())
            # A long snapshot comes in pages; once at the end, it is never left behind again.
            at_the_end = cursor is not None and (at_the_end or not told["entries"])
            cursor, pause = told["cursor"], FIRST_PAUSE
            if at_the_end:
                heard.set()
        except Exception as error:  # whatever it is: the service goes on with what it knows
            print("the revocation feed cannot be followed:", type(error).__name__, flush=True)
            at_the_end = False
            forget(SCOPE)
            time.sleep(pause * random.uniform(0.5, 1))
            pause = min(pause * 2, LONGEST_PAUSE)


def ask(cursor, wait):
    params = {"wait": wait} | ({"after": cursor} if cursor else {})
    answer = get(os.environ["REVOCATION_FEED_URL"], own_token(SCOPE), params=params, timeout=wait + 5)
    if answer.status_code == 410:
        return None
    answer.raise_for_status()
    return answer.json()


def add(entry):
    """An entry takes nothing away from an earlier one."""
    name, before = (entry["kind"], entry["id"]), float("inf") if entry["before"] is None else entry["before"]
    known = revoked.get(name, (0, 0))
    revoked[name] = max(known[0], before), max(known[1], entry["until"])


def drop_what_is_over(now):
    for name in [name for name, (_, until) in revoked.items() if until + LEEWAY < now]:
        del revoked[name]


threading.Thread(target=follow, daemon=True).start()
