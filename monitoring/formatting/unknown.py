"""What all filters do: a dash for the unknown, dots for what the reader hides."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from monitoring.presentation import HIDDEN, present

T = TypeVar("T")
P = ParamSpec("P")

DASH = "—"
MINUS = "−"
NARROW_SPACE = "\u202f"


def hidable(filter_: Callable[Concatenate[T, P], str]) -> Callable[Concatenate[T, P], str]:
    """Of amounts, which a reader may hide."""

    @wraps(filter_)
    def filtered(value: T, /, *args: P.args, **kwargs: P.kwargs) -> str:
        return HIDDEN if present().hide_amounts else filter_(value, *args, **kwargs)

    return filtered


def dash_if_unknown(filter_: Callable[Concatenate[T, P], str]) -> Callable[Concatenate[T | None, P], str]:
    @wraps(filter_)
    def filtered(value: T | None, /, *args: P.args, **kwargs: P.kwargs) -> str:
        if value is None or (isinstance(value, float | Decimal) and not math.isfinite(value)):
            return DASH
        return filter_(value, *args, **kwargs)

    return filtered


NUMBER = re.compile(r"\d[\d.,]*")


@dash_if_unknown
def masked(text: str) -> str:
    """What the engine wrote in its own words: numbers in it may be amounts, and are hidden with those."""
    return without_numbers(text) if present().hide_amounts else text


def without_numbers(text: str) -> str:
    """The same, whatever the reader chose."""
    return NUMBER.sub(HIDDEN, text)
