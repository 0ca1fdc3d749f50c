"""Rows of ``account_history`` as arrays: what marks a real snapshot, and reading many of them quickly."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import numpy as np
import numpy.typing as npt

from monitoring.database.capabilities import Capabilities
from monitoring.ledger.times import EPOCH, epoch, midnight, next_midnight, shifted
from monitoring.metrics.facts import Series, Session

POSTGRES_EPOCH = 946_684_800_000_000
"""2000-01-01 in microseconds since 1970: binary timestamps count from there."""
COPY_HEADER = 19

ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("_1", ">i4"),
        ("id", ">i8"),
        ("_2", ">i4"),
        ("time", ">i8"),
        ("_3", ">i4"),
        ("balance", ">f8"),
        ("_4", ">i4"),
        ("equity", ">f8"),
    ]
)
"""One row of COPY ... (FORMAT binary): every field is 8 bytes behind its length."""

SLACK = timedelta(days=1)
"""A session's rows are sought this far around its start and end."""
MOST_BEATS = 30
"""How many of the newest rows the engine's rhythm is learned from."""

EXTENT = """
SELECT min(timestamp) AS oldest, max(timestamp) AS newest FROM account_history WHERE timestamp >= $1 AND timestamp < $2
"""
BEATS = f"""
SELECT timestamp FROM (
    SELECT timestamp, session_id FROM account_history WHERE timestamp >= $1 AND timestamp < $2
    ORDER BY timestamp DESC LIMIT 100 * {MOST_BEATS}
) newest
WHERE session_id = $3 ORDER BY timestamp DESC LIMIT {MOST_BEATS}
"""


def audit_condition(capabilities: Capabilities) -> str:
    """SQL that is true for the rows which the engine writes at each balance booking, in place of a snapshot.

    They repeat the balance as equity and leave the rest at zero, but for the booked change in ``daily_pnl``.
    """

    def column(name: str) -> str:
        return f"coalesce({capabilities.column('account_history', name, 'numeric')}, 0)"

    zeroes = " AND ".join(
        f"{column(name)} = 0" for name in ("total_pnl", "drawdown", "margin_used", "open_positions", "total_exposure")
    )
    return f"(equity = balance AND {column('daily_pnl')} <> 0 AND {zeroes})"


def bounds(session: Session, now: datetime) -> tuple[datetime, datetime]:
    """The days on which the session's rows can lie: from the first moment to before the second.

    A backtest writes those of the market that it replays.
    """
    if session.mode == "BACKTEST":
        return EPOCH, next_midnight(now + SLACK)
    return midnight(shifted(session.start, -SLACK)), next_midnight(shifted(session.end or now, SLACK))


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Rows in order of time, then id. ``equity`` is NaN where the row is not a real snapshot."""

    ids: npt.NDArray[np.int64]
    times: Series
    """Seconds since 1970, UTC."""
    balance: Series
    equity: Series

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, records: Sequence[asyncpg.Record]) -> "Snapshots":
        rows = sorted(records, key=lambda row: (row["timestamp"], row["id"]))
        return cls(
            np.array([row["id"] for row in rows], dtype=np.int64),
            np.array([epoch(row["timestamp"]) for row in rows]),
            np.array([row["balance"] for row in rows]),
            np.array([row["equity"] for row in rows]),
        )

    @property
    def first(self) -> tuple[float, int]:
        """Time and id of the oldest row."""
        return float(self.times[0]), int(self.ids[0])

    @property
    def last(self) -> tuple[float, int]:
        """Time and id of the newest row."""
        return float(self.times[-1]), int(self.ids[-1])

    @classmethod
    def joined(cls, parts: Sequence["Snapshots"]) -> "Snapshots":
        """Parts that follow each other."""
        columns = [[part.ids, part.times, part.balance, part.equity] for part in (NONE, *parts)]
        return cls(*(np.concatenate(column) for column in zip(*columns, strict=True)))

    def where(self, part: slice | npt.NDArray[np.bool_]) -> "Snapshots":
        return Snapshots(self.ids[part], self.times[part], self.balance[part], self.equity[part])


NONE = Snapshots(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0))


@dataclass(frozen=True, slots=True)
class SnapshotReader:
    """Reads the rows of one session, whatever the shape of its database."""

    session: Session
    columns: str
    audit: str

    @classmethod
    def of(cls, session: Session, capabilities: Capabilities) -> "SnapshotReader":
        audit = audit_condition(capabilities)
        columns = (
            "id::bigint AS id, timestamp::timestamp AS timestamp, coalesce(balance, 'NaN')::float8 AS balance,"
            f" CASE WHEN {audit} THEN 'NaN'::float8 ELSE coalesce(equity, 'NaN')::float8 END AS equity"
        )
        return cls(session, columns, audit)

    @property
    def initial(self) -> float | None:
        """The balance before the first row."""
        return None if self.session.initial_balance is None else float(self.session.initial_balance)

    async def extent(self, connection: asyncpg.Connection, now: datetime) -> tuple[datetime, datetime] | None:
        """Times of the oldest and newest row that may be the session's; None where there is none."""
        row = await connection.fetchrow(EXTENT, *bounds(self.session, now))
        return None if row["oldest"] is None else (row["oldest"], row["newest"])

    async def between(
        self, connection: asyncpg.Connection, start: datetime, end: datetime, watermark: int
    ) -> Snapshots:
        """All rows with ``start`` <= time < ``end`` and id <= ``watermark``."""
        buffer = bytearray()

        async def collect(data: bytes) -> None:
            buffer.extend(data)

        await connection.copy_from_query(
            f"SELECT {self.columns} FROM account_history"
            " WHERE timestamp >= $1 AND timestamp < $2 AND session_id = $3 AND id <= $4",
            start,
            end,
            self.session.id,
            watermark,
            output=collect,
            format="binary",
            timeout=60,
        )
        return _parse(buffer)

    async def unread(
        self, connection: asyncpg.Connection, watermark: int, gaps: list[int], limit: int
    ) -> list[asyncpg.Record]:
        """Rows of every session beyond the watermark or in its gaps, oldest id first."""
        rows = await connection.fetch(
            f"SELECT {self.columns}, session_id FROM account_history"
            f" WHERE id > $1 OR id = ANY($2::bigint[]) ORDER BY id LIMIT {limit}",
            watermark,
            gaps,
        )
        return list(rows)

    async def beats(self, connection: asyncpg.Connection, now: datetime) -> list[float]:
        """Times of the session's newest rows, oldest first; fewer where other sessions wrote after it."""
        rows = await connection.fetch(BEATS, *bounds(self.session, now), self.session.id)
        return [epoch(row["timestamp"]) for row in reversed(rows)]


def _parse(data: bytearray) -> Snapshots:
    rows = np.frombuffer(data, dtype=ROW, offset=COPY_HEADER, count=(len(data) - COPY_HEADER) // ROW.itemsize)
    times = (rows["time"].astype(np.int64) + POSTGRES_EPOCH) / 1e6
    order = np.lexsort((rows["id"], times))
    return Snapshots(
        rows["id"].astype(np.int64)[order],
        times[order],
        rows["balance"].astype(np.float64)[order],
        rows["equity"].astype(np.float64)[order],
    )
