"""Rows of ``account_history`` as arrays: what marks a booking, and reading many of them quickly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg
import numpy as np
import numpy.typing as npt

from monitoring.database.capabilities import Capabilities
from monitoring.metrics.facts import Series
from monitoring.projections.outliers import REACH_SECONDS, UNBOOKED, outliers
from monitoring.projections.packed import floats, integers, moments, packed
from monitoring.projections.projected import IdRange
from monitoring.projections.times import from_epoch, shifted

EXTENT = (
    "SELECT min(timestamp) AS oldest, max(timestamp) AS newest FROM account_history WHERE timestamp BETWEEN $1 AND $2"
)
CLOSES = """
SELECT h.* FROM generate_series($1::timestamp, $2::timestamp, interval '1 day') AS days(day)
CROSS JOIN LATERAL (
    SELECT {columns} FROM account_history
    WHERE timestamp >= days.day AND timestamp < days.day + interval '1 day' AND timestamp <= $2
      AND session_id = ANY($3::bigint[]) AND NOT {audit}
    ORDER BY timestamp DESC, account_history.id DESC LIMIT 1
) h
"""
DATED = "timestamp >= '0001-01-01' AND timestamp < '9999-12-31'"
"""Leaves out infinite times, years that no date here can hold, and the last day of all, whose end no float can tell."""
BY_SESSION = f"""
SELECT session_id, {packed("id", "bigint")} AS ids, {packed("timestamp", "timestamp")} AS times,
       {packed("balance", "float8")} AS balances, {packed("equity", "float8")} AS equities,
       {packed("exposure", "float8")} AS exposures
FROM ({{rows}}) found GROUP BY session_id
"""
IN_RANGE = f"id > $1 AND id <= $2 AND NOT id = ANY($3::bigint[]) AND session_id IS NOT NULL AND {DATED}"
BY_ID = f"id = ANY($1::bigint[]) AND session_id IS NOT NULL AND {DATED}"
BETWEEN = "timestamp >= $1 AND timestamp < $2 AND session_id = ANY($3::bigint[])"


TWIN_NEEDS = ("session_id", "last_updated", "total_balance")
SAME_TOTAL = "round({twin}.total_balance::numeric, 8) = round(account_history.balance::numeric, 8)"
NEAR_TWIN = f"""account_history.timestamp >= {{twin}}.last_updated - interval '5 milliseconds'
      AND account_history.timestamp <= {{twin}}.last_updated + interval '5 milliseconds' AND {SAME_TOTAL}"""
TWIN = f"""EXISTS (
    SELECT FROM account_balances twin WHERE twin.session_id = account_history.session_id
      AND twin.last_updated >= account_history.timestamp - interval '5 milliseconds'
      AND twin.last_updated <= account_history.timestamp + interval '5 milliseconds'
      AND {SAME_TOTAL.format(twin="twin")}
)"""
"""The engine writes a booking and its row in the history in one transaction; snapshots are further from any booking."""
ZERO_MARKS = ("total_pnl", "drawdown", "margin_used", "open_positions", "total_exposure")


def audit_condition(capabilities: Capabilities) -> str:
    """SQL that is true for the rows which the engine writes at each balance booking, in place of a snapshot.

    They repeat the balance as equity and leave the rest at zero, but for the booked change in ``daily_pnl``. A flat
    account after a restart looks the same: its twin in ``account_balances`` tells a booking, where that can be read.
    """
    has_twin = capabilities.has("account_balances", *TWIN_NEEDS)
    booked = "daily_pnl <> 0" if capabilities.has("account_history", "daily_pnl") else "true"
    return f"coalesce({booking_marks(capabilities)} AND {TWIN if has_twin else booked}, false)"


def booking_marks(capabilities: Capabilities) -> str:
    """SQL of what a booking says in ``account_history``; a snapshot of a flat account may say the same."""
    marks = {name: f"{name} = 0" for name in ZERO_MARKS} | {
        "margin_available": "margin_available = balance",
        "daily_pnl": "daily_pnl IS NOT NULL",
    }
    found = [mark for name, mark in marks.items() if capabilities.has("account_history", name)]
    return " AND ".join(["equity = balance", *found])


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Rows in order of time, then id. ``equity`` is NaN where the row is no snapshot but a booking."""

    ids: npt.NDArray[np.int64]
    times: Series
    """Seconds since 1970, UTC."""
    balance: Series
    equity: Series
    exposure: Series
    """Value of the open positions at their entries; NaN where it is not recorded."""

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, records: Sequence[asyncpg.Record]) -> "Snapshots":
        """The rows of some records of BY_SESSION as one."""
        ids, times = integers(row["ids"] for row in records), moments(row["times"] for row in records)
        order = np.lexsort((ids, times))
        named = (floats(row[name] for row in records)[order] for name in ("balances", "equities", "exposures"))
        return cls(ids[order], times[order] / 1e6, *named)

    @property
    def first(self) -> tuple[float, int]:
        """Time and id of the oldest row."""
        return float(self.times[0]), int(self.ids[0])

    @property
    def last(self) -> tuple[float, int]:
        """Time and id of the newest row."""
        return float(self.times[-1]), int(self.ids[-1])

    def where(self, part: slice | npt.NDArray[np.bool_]) -> "Snapshots":
        return Snapshots(self.ids[part], self.times[part], self.balance[part], self.equity[part], self.exposure[part])

    def without(self, ids: npt.NDArray[np.int64]) -> "Snapshots":
        """The same, but nothing is known of what these rows say."""
        left = ~np.isin(self.ids, ids)
        return replace(self, balance=np.where(left, self.balance, np.nan), equity=np.where(left, self.equity, np.nan))


BySession = dict[int, Snapshots]


@dataclass(frozen=True, slots=True)
class SnapshotReader:
    """Reads rows of the history, whatever the shape of its database."""

    connection: asyncpg.Connection
    audit: str
    columns: str
    has_bookings: bool

    @classmethod
    def of(cls, connection: asyncpg.Connection, capabilities: Capabilities) -> "SnapshotReader":
        audit = audit_condition(capabilities)
        columns = (
            "id::bigint AS id, session_id::bigint AS session_id, timestamp::timestamp AS timestamp,"
            " coalesce(balance, 'NaN')::float8 AS balance,"
            f" coalesce({capabilities.column('account_history', 'total_exposure', 'float8')}, 'NaN') AS exposure,"
            f" CASE WHEN {audit} THEN 'NaN'::float8 ELSE coalesce(equity, 'NaN')::float8 END AS equity"
        )
        return cls(connection, audit, columns, capabilities.has("account_balances", *TWIN_NEEDS))

    async def in_range(self, ids: IdRange) -> BySession:
        """All rows of a range of ids that belong to a session."""
        return _by_session(await self._read(self._where(IN_RANGE), ids.after, ids.until, ids.skip))

    async def by_id(self, ids: Sequence[int]) -> BySession:
        return _by_session(await self._read(self._where(BY_ID), ids))

    async def between(self, sessions: Sequence[int], start: datetime, end: datetime) -> Snapshots:
        """All rows of some sessions with ``start`` <= time < ``end``; of outliers nothing is known."""
        rows = await self._between(sessions, start, end)
        if not (rows.equity <= 0).any():
            return rows
        reach = timedelta(seconds=REACH_SECONDS)
        around = await self._between(sessions, shifted(start, -reach), shifted(end, reach))
        return rows.without(await self._outliers(sessions, around.where(np.isfinite(around.equity))))

    async def _between(self, sessions: Sequence[int], start: datetime, end: datetime) -> Snapshots:
        return Snapshots.of(await self._read(self._where(BETWEEN), start, end, sessions))

    async def _outliers(self, sessions: Sequence[int], rows: Snapshots) -> npt.NDArray[np.int64]:
        """Ids of the snapshots that are none: see ``outliers``."""
        places = outliers(rows.times, rows.equity)
        if self.has_bookings and len(places):
            since, until = ([from_epoch(at) for at in rows.times[found]] for found in (places - 1, places))
            balances = rows.balance[places].tolist()
            unbooked = await self.connection.fetchval(UNBOOKED, list(sessions), since, until, balances)
            places = places[np.array(unbooked, dtype=np.intp) - 1]
        return rows.ids[places]

    async def extent(self, since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
        """Times of the oldest and the newest row of any session; None where there is none."""
        row = await self.connection.fetchrow(EXTENT, since, until)
        return None if row["oldest"] is None else (row["oldest"], row["newest"])

    async def closes(self, sessions: Sequence[int], since: datetime, until: datetime) -> Snapshots:
        """The last snapshot of each day, by one probe of the index a day."""
        query = CLOSES.format(columns=self.columns, audit=self.audit)
        return Snapshots.of(await self._read(query, since, until, sessions))

    def _where(self, condition: str) -> str:
        return f"SELECT {self.columns} FROM account_history WHERE {condition}"

    async def _read(self, rows: str, *values: object) -> list[asyncpg.Record]:
        """The rows of a query as records of BY_SESSION."""
        found: list[asyncpg.Record] = await self.connection.fetch(BY_SESSION.format(rows=rows), *values)
        return found


def _by_session(records: Sequence[asyncpg.Record]) -> BySession:
    return {row["session_id"]: Snapshots.of([row]) for row in records}
