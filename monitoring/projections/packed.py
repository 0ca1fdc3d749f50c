"""Columns of many rows as arrays: PostgreSQL puts the values of a column behind each other, in 8 bytes each.

As records, every value would become a Python object, which takes ten times as long and far more memory.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from monitoring.projections.times import BEGIN_OF_TIME, END_OF_TIME, microseconds

SEND = {"bigint": "int8send", "float8": "float8send", "timestamp": "timestamp_send"}
POSTGRES_EPOCH_MICROSECONDS = 946_684_800_000_000
"""2000-01-01 since 1970: binary timestamps count from there."""
MIN_STORED_MICROSECONDS, MAX_STORED_MICROSECONDS = (
    microseconds(moment) - POSTGRES_EPOCH_MICROSECONDS for moment in (BEGIN_OF_TIME, END_OF_TIME)
)

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def packed(expression: str, kind: str) -> str:
    """SQL of an aggregate that packs a column, none of whose values may be NULL; ``kind`` is a key of SEND.

    All packed columns of a group have the same order of rows, though nobody knows which.
    """
    return f"string_agg({SEND[kind]}(({expression})::{kind}), ''::bytea)"


def integers(parts: Iterable[bytes]) -> Integers:
    """Packed columns of ``bigint``, one behind the other; shape (rows,)."""
    return np.frombuffer(b"".join(parts), dtype=">i8").astype(np.int64)


def floats(parts: Iterable[bytes]) -> Floats:
    """The same of ``float8``."""
    return np.frombuffer(b"".join(parts), dtype=">f8").astype(np.float64)


def moments(parts: Iterable[bytes]) -> Integers:
    """The same of ``timestamp``, as microseconds since 1970, as far as there is time."""
    return np.clip(integers(parts), MIN_STORED_MICROSECONDS, MAX_STORED_MICROSECONDS) + POSTGRES_EPOCH_MICROSECONDS
