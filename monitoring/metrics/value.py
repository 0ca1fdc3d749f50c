"""What a metric gives: a value, or the reason why there is none."""

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
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


def total(parts: Iterable[T], amount: Callable[[T], Decimal]) -> Decimal:
    """The sum of an amount of each part. Raises Unknown, with what is known, as soon as one amount is unknown."""
    found, reasons = list[Decimal](), list[str]()
    for part in parts:
        try:
            found.append(amount(part))
        except Unknown as unknown:
            reasons.append(str(unknown))
    known_sum = sum(found, Decimal(0))
    if reasons:
        partial = Partial(known_sum, len(found), len(found) + len(reasons)) if found else None
        raise Unknown(reasons[0], partial)
    return known_sum


def percent_of(amount: Callable[[], Decimal], whole: Callable[[], Decimal]) -> Decimal:
    """How much of ``whole`` an amount is. Raises Unknown as they do, with the known part of the amount in percent."""
    try:
        part = amount()
    except Unknown as unknown:
        raise Unknown(str(unknown), _partial_of(unknown.partial, whole)) from None
    return part / whole() * 100


def _partial_of(part: Partial | None, whole: Callable[[], Decimal]) -> Partial | None:
    try:
        return part and part._replace(amount=part.amount / whole() * 100)
    except Unknown:
        return None


def finite(value: object) -> bool:
    """False for NaN, the infinities and numbers that no float can hold; true for everything else."""
    try:
        return not isinstance(value, Decimal | float | int) or math.isfinite(value)
    except (OverflowError, ValueError):
        return False


def number(value: object) -> float | None:
    """A number from a JSON column; None for anything else, and for one too large to compute with."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    with suppress(OverflowError):
        return float(value) if math.isfinite(value) else None
    return None
