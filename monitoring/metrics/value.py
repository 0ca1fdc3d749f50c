"""What a metric gives: a value, or the reason why there is none."""

import math
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

Value = Decimal | float | int | bool | str | datetime
"""Money is Decimal, statistics are float, times are naive UTC."""

T = TypeVar("T")


class Unknown(Exception):
    """A figure that cannot be known; the text tells the operator why."""


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
