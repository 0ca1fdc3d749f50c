"""Words that arguments of calls may be, and what is said of an argument that does not fit."""

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

from msgspec import ValidationError

from monitoring.metrics.metric import Priority
from monitoring.metrics.unit import Unit

Side = Literal["long", "short", "LONG", "SHORT"]
Outcome = Literal["win", "loss", "breakeven", "unknown"]
Format = Literal[tuple(sorted({unit.api_format for unit in Unit}))]  # type: ignore[valid-type]

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "side": get_args(Side),
    "outcome": get_args(Outcome),
    "priority": get_args(Priority),
    "format": get_args(Format),
}
KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
}
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_MISSING = re.compile(r"Object missing required field `(\w+)`")


def misfit(error: ValidationError, given: Mapping[str, str] | None = None) -> str:
    """Which argument does not fit and what was expected; ``given``: the values, where they are to be shown."""
    text = str(error)
    if found := _MISSING.match(text):
        return f"{found[1]}: expected it, but it is missing"
    place = _PLACE.search(text)
    name = place[1] if place else ""
    expected = _expected(name, _PLACE.sub("", text))
    shown = f"{name}={given[name][:20]}" if given and name in given and "`array`" not in text else name
    return f"{shown}: {expected}" if shown else expected


def _expected(name: str, text: str) -> str:
    if text.startswith("Invalid enum value"):
        return f"expected one of {', '.join(map(str, CHOICES[name]))}"
    text = re.sub(r"of length ([<>]=) (\d+)", r"\1 \2 characters", text)
    text = text.replace("<=", "of at most").replace(">=", "of at least").replace(", got ", ", not ")
    kinds = re.sub(r"`([^`]+)`", lambda kind: " or ".join(KINDS.get(word, word) for word in kind[1].split(" | ")), text)
    return kinds[:1].lower() + kinds[1:]
