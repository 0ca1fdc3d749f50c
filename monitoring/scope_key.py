"""Which bot or session is asked for. It is text at the edges, where it is read once, and one of these values inside."""

from dataclasses import dataclass

MAX_ID = 2**63 - 1
"""Of a bigint, which an owner may have made of the engine's integers: asking for a larger one would be an error."""


@dataclass(frozen=True, slots=True)
class CurrentScope:
    """The bot that people mean when they name none."""

    def __str__(self) -> str:
        return "session=current"


@dataclass(frozen=True, slots=True)
class BotScope:
    """The bot that a session belongs to."""

    id: int

    def __str__(self) -> str:
        return f"bot={self.id}"


@dataclass(frozen=True, slots=True)
class SessionScope:
    """One session alone."""

    id: int

    def __str__(self) -> str:
        return f"session={self.id}"


ScopeKey = CurrentScope | BotScope | SessionScope
CURRENT = CurrentScope()


class UnknownSession(Exception):
    """The request names a session or bot that the database does not hold. ``named``: as ``bot=9`` or ``session=9``."""

    def __init__(self, named: str) -> None:
        expected = "the id of a session" if named.startswith("bot=") else "current or the id of a trading session"
        super().__init__(f"{named[:50]}: expected {expected}")


def parse_scope(session: object, bot: object) -> ScopeKey:
    """The scope that a request names by either; nothing and "" name none. Raises UnknownSession."""
    if bot not in (None, ""):
        return BotScope(_id("bot", bot))
    return CURRENT if session in (None, "", "current") else SessionScope(_id("session", session))


def _id(name: str, value: object) -> int:
    """An id is spelled in one way."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else "?"
    is_id = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID)) and text == str(int(text))
    if not is_id or int(text) > MAX_ID:
        raise UnknownSession(f"{name}={text}")
    return int(text)
