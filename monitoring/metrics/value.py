"""What a metric gives: a value, or the reason why there is none."""

import math
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar

Value = Decimal | float | int | bool | str | datetime
"""Money is Decimal, statistics are float, times are naive UTC."""

T = TypeVar("T")


class Partial(NamedTuple):
    """The known part of a sum."""

    amount: Decimal
    known: int
    """How many of its parts are known ..."""
    total: int
    """... of how many."""


class Unknown(Exception):
    """A figure that cannot be known; the text tells the operator why. ``partial`` is what is known of a sum."""

    def __init__(self, reason: str, partial: Partial | None = None) -> None:
        super().__init__(reason)
        self.partial = partial


def known(value: T | None, reason: str) -> T:
    """The value itself; raises Unknown(reason) where it is None, NaN or infinite."""
    if value is None or not finite(value):
        raise Unknown(reason)
    return value


def finite(value: object) -> bool:
    """False for NaN, the infinities and numbers that no float can hold; true for everything else."""
    try:
        return not isinstance(value, Decimal | float | int) or math.isfinite(value)
    except (OverflowError, ValueError):
        return False
