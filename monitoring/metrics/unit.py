"""The units of metrics: the one place that knows how a value is written, on the page and over the API."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any

from monitoring.formatting import DASH, count, duration, money, percent, ratio, utc


class Unit(Enum):
    """What a value is counted in. Where a value may carry a sign, ``text`` takes whether a plus is shown, too."""

    MONEY = ("money", "currency", float, "Money, in the account's currency", money)
    PERCENT = ("percent", "percentage", float, "Percent", percent)
    DECLINE = ("percent", "percentage", float, "Percent", lambda value, _: percent(0 - value))
    """Kept as a positive number, 2.0, and shown as the loss that it is: −2.00 %."""
    RATIO = ("ratio", "number", float, "A ratio", ratio)
    COUNT = ("count", "integer", int, "A number", count)
    MINUTES = ("minutes", "number", float, "A length of time", lambda value, _: duration(value, "minutes"))
    MILLISECONDS = ("milliseconds", "number", float, "Milliseconds", lambda value, _: f"{count(value)} ms")
    DATETIME = ("datetime", "datetime", datetime, "A time, UTC", lambda value, _: utc(value))
    TEXT = ("text", "text", str, "Words", lambda value, _: value)
    OUTCOMES = ("text", "text", str, "Letters", lambda value, _: value)
    """A letter a trade, newest first: W, L or B."""
    STATUS = ("status", "status", str, "A word", lambda value, _: value)
    FLAG = ("flag", "boolean", bool, "Yes or no", lambda value, _: "Yes" if value else "No")

    def __init__(
        self, api_name: str, api_format: str, api_type: type, words: str, write: Callable[[Any, bool], str]
    ) -> None:
        self.api_name = api_name
        """In the description of the API."""
        self.api_format = api_format
        """What /api/config calls it."""
        self.api_type = api_type
        """What JSON holds; a datetime is sent as text."""
        self.words = words
        """What /explain calls it."""
        self._write = write

    def text(self, value: Any, signed: bool = False) -> str:
        """A value as the reader sees it; a dash for None."""
        return DASH if value is None else self._write(value, signed)
