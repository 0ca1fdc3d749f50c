"""The two secrets of a protected dashboard: what makes them weak, and how to make good ones."""

import re
import secrets
from collections.abc import Iterator

TOKEN = "MONITORING_DASHBOARD_TOKEN"  # noqa: S105 - the name of a variable
SECRET_KEY = "FLASK_SECRET_KEY"  # noqa: S105 - the same
MIN_CHARACTERS = 32
MIN_DIFFERENT_CHARACTERS = 10
KNOWN_WORDS = (
    *("changeme", "changethis", "changein", "replaceme", "yourtoken", "yoursecret", "yourkey", "secret", "password"),
    *("passwort", "placeholder", "example", "default", "devkey", "qwerty", "letmein", "12345678", "abcdefgh"),
)
"""What manuals print and people type; looked for without case, hyphens, underscores and blanks."""
MAKES_THEM = "`atb-monitoring token` makes both"


def weaknesses(token: str, secret_key: str) -> Iterator[str]:
    """What is wrong with those that are set; a sentence holds neither."""
    for name, value in ((TOKEN, token), (SECRET_KEY, secret_key)):
        if value:
            yield from (f"{name} {why}" for why in _weaknesses(value))
    if token and token == secret_key:
        yield f"{TOKEN} and {SECRET_KEY} are the same: expected two"


def _weaknesses(value: str) -> Iterator[str]:
    if len(value) < MIN_CHARACTERS:
        yield f"has {len(value)} characters: expected at least {MIN_CHARACTERS}"
    elif len(set(value)) < MIN_DIFFERENT_CHARACTERS:
        yield f"has {len(set(value))} different characters: expected at least {MIN_DIFFERENT_CHARACTERS}"
    plain = re.sub(r"[-_\s]", "", value).lower()
    for word in KNOWN_WORDS:
        if word in plain:
            yield f"holds the word {word}: expected one that nobody can guess"
            return


def new_secret() -> str:
    """256 bits as 64 hexadecimal digits."""
    while True:
        value = secrets.token_hex(32)
        if not any(_weaknesses(value)):
            return value


def new_settings() -> str:
    """Two lines for a ``.env``, behind an empty one: its last line may lack an end."""
    return f"\n{TOKEN}={new_secret()}\n{SECRET_KEY}={new_secret()}"
