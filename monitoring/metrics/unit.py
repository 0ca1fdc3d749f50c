"""The units of metrics: the one place that knows how a value is written, on the page and over the API."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from monitoring.formatting import DASH, amount, count, duration, percent, ratio, slippage, utc
from monitoring.metrics.codes import in_words

KINDS: dict[type, tuple[type, ...]] = {float: (Decimal, float, int), int: (Decimal, float, int)}
"""Types of values that JSON holds as numbers."""


@dataclass(frozen=True, eq=False, repr=False)
class _Written:
    api_name: str
    """In the description of the API."""
    api_format: str
    """What /api/config calls it."""
    api_type: type
    """What JSON holds; a datetime is sent as text."""
    words: str
    """What /explain calls it."""
    write: Callable[[Any, bool], str]
    """Of a known value, and whether a plus is shown before a positive one."""


class Unit(_Written, Enum):
    """What a value is counted in."""

    MONEY = ("money", "currency", float, "Money, in the account's currency", amount)
    PERCENT = ("percent", "percentage", float, "Percent", percent)
    DECLINE = ("percent", "percentage", float, "Percent", lambda value, _: percent(0 - value))
    """Kept as a positive number, 2.0, and shown as the loss that it is: −2.00 %."""
    SLIPPAGE = ("percent", "percentage", float, "Percent", lambda value, _: slippage(value))
    """Positive where the price was worse than asked for."""
    RATIO = ("ratio", "number", float, "A ratio", ratio)
    COUNT = ("count", "integer", int, "A number", count)
    MINUTES = ("minutes", "number", float, "A length of time", lambda value, _: duration(value, "minutes"))
    MILLISECONDS = ("milliseconds", "number", float, "Milliseconds", lambda value, _: f"{count(value)} ms")
    DATETIME = ("datetime", "datetime", datetime, "A time, UTC", lambda value, _: utc(value))
    TEXT = ("text", "text", str, "Words", lambda value, _: value)
    CODE = ("text", "text", str, "Words", lambda value, _: in_words(value))
    """One of the engine's codes, which the page puts into words."""
    OUTCOMES = ("text", "text", str, "Letters", lambda value, _: value)
    """A letter a trade, newest first: W, L or B."""
    STATUS = ("status", "status", str, "A word", lambda value, _: value)
    FLAG = ("flag", "boolean", bool, "Yes or no", lambda value, _: "Yes" if value else "No")

    def holds(self, value: object) -> bool:
        """Whether it is a value of this unit: anything else could not be written, or not be sent."""
        if isinstance(value, bool):
            return self.api_type is bool
        if isinstance(value, datetime):
            return self.api_type is datetime and value.tzinfo is None
        return isinstance(value, KINDS.get(self.api_type, self.api_type))

    def text(self, value: Any, signed: bool = False) -> str:
        """A value as the reader sees it; a dash for None."""
        return DASH if value is None else self.write(value, signed)
