"""How a column is read that has another type than the contract's: by a cast that no value can make fail.

Databases are older than today's engine, or were converted by their owners: native enums for varchar, double precision
for numeric, timestamptz for timestamp. An amount that no account can hold is read as NaN, which is unknown everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LARGEST_AMOUNT = "1e30"
"""From here on, infinities among them, an amount is none."""
LARGEST_WHOLE = "9e18"

FOLDED: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("positions", "status"): {"PENDING": "OPEN", "FILLED": "CLOSED"},
}
"""Labels that the native enums of the first generation had, and what they are called today."""

_AMOUNT = f"CASE WHEN abs({{0}}) >= {LARGEST_AMOUNT} THEN 'NaN' ELSE {{0}}::{{1}} END"
_WHOLE = f"CASE WHEN abs({{0}}) < {LARGEST_WHOLE} THEN {{0}}::bigint END"

SAFE: Mapping[str, Mapping[str, str]] = {
    "numeric": {
        **dict.fromkeys(("numeric", "float4", "float8"), _AMOUNT),
        **dict.fromkeys(("int2", "int4", "int8", "money"), "{0}::{1}"),
    },
    "integer": {"int4": "{0}", "int8": "{0}", "int2": "{0}::integer"} | dict.fromkeys(("numeric", "float8"), _WHOLE),
    "boolean": {"bool": "{0}"} | dict.fromkeys(("int2", "int4", "int8"), "{0} <> 0"),
    "timestamp": {"timestamp": "{0}", "timestamptz": "{0}", "date": "{0}::timestamp"},
    "jsonb": {"jsonb": "{0}", "json": "{0}"} | dict.fromkeys(("text", "varchar"), "to_jsonb({0})"),
}
"""Kind that the contract wants → type that a column has → SQL of it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the server describes it. ``kind`` is its type without length, ``labels`` those of an enum."""

    name: str
    kind: str
    limited: bool = False
    """A numeric of a precision, which holds no infinity."""
    labels: tuple[str, ...] | None = None


def family(wanted: str) -> str:
    """``numeric(18, 8)`` as ``numeric``, ``varchar(8)`` as ``text``."""
    kind = wanted.partition("(")[0]
    return {"varchar": "text", "double precision": "numeric"}.get(kind, kind)


def expression(table: str, column: Column, wanted: str) -> str | None:
    """SQL that reads ``column`` as the contract's type ``wanted``; its bare name where that is all; None: no way."""
    name, kind = f'"{column.name}"', family(wanted)
    if kind == "text":
        return _text(table, column, name)
    double = wanted == "double precision"
    if kind == "numeric" and (column.kind == "float8" if double else column.kind == "numeric" and column.limited):
        return name
    cast = SAFE[kind].get(column.kind)
    return cast and cast.format(name, "float8" if double else "numeric")


def _text(table: str, column: Column, name: str) -> str:
    if column.labels is None:
        return name if column.kind in ("varchar", "text") else f"{name}::text"
    folded = FOLDED.get((table, column.name), {})
    if folded and set(column.labels) <= set(folded.values()):
        # Compared as it is, so that an index on it is used.
        return name
    labels = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in folded.items())
    text = f"upper({name}::text)"
    return f"CASE {text} {labels} ELSE {text} END" if labels else text


def in_words(wanted: str) -> str:
    """The contract's type, for people."""
    return wanted.replace(", ", ",")
