"""What the feed remembers of the database: how far each table was read, and the versions of all rows still alive."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from monitoring.changes.change_set import ChangeSet, NewRow
from monitoring.changes.chunk_sums import indexed_tables
from monitoring.changes.corrections import Counters
from monitoring.changes.identity import Identity
from monitoring.changes.rewritten import RewrittenRows
from monitoring.changes.snapshot_token import IdCursor, SnapshotToken, start_cursor, with_running
from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities
from monitoring.database.owners import OWNED_BY_IDS, owner

GROWING_TABLES = (
    "trades",
    "account_history",
    "account_balances",
    "system_events",
    "risk_adjustments",
    "strategy_executions",
    "orders",
    "positions",
    "partial_trades",
    "trading_sessions",
)
"""Tables that grow: a new id is a new row."""

UNFINISHED = ("PENDING", "OPEN", "PENDING_SUBMIT", "SUBMITTED", "UNKNOWN", "UNRESOLVED")
_UNFINISHED = f"'{{{','.join(UNFINISHED)}}}'"

MAX_NEW_ROWS = 5000
"""Of one table in one read; the rest of a larger burst is left to the next."""
MAX_TRACKED_ROWS = 2000
FINISHED_ROW_SECONDS = 900.0
"""Seconds for which a finished row is still watched: an order's fees and prices may be filled in late."""


@dataclass(frozen=True, slots=True)
class ChangingTable:
    """A table whose rows change until they are finished."""

    alive: str
    """SQL: which rows to watch at the start; may name WEEK_AGO."""
    finished: str
    needs: tuple[str, ...]


WEEK_AGO = ":week_ago"

CHANGING_TABLES = {
    "positions": ChangingTable("status::text = 'OPEN'", "status::text <> 'OPEN'", ("status",)),
    "orders": ChangingTable(
        f"status::text = ANY({_UNFINISHED}) AND created_at > {WEEK_AGO}",
        f"status::text <> ALL({_UNFINISHED})",
        ("status", "created_at"),
    ),
    "trading_sessions": ChangingTable("end_time IS NULL", "end_time IS NOT NULL", ("end_time",)),
}
VERSION = "xmin::text || ctid::text"
"""SQL: differs whenever a row was written again."""
MARK = "hashtext(xmin::text)"
"""SQL: the same as a number, without the place. A view's rows have an ``xmin`` too, made of their values."""
FLAGS = "system_control_flags"
SESSIONS = "trading_sessions"
FLAGS_VERSION = f"SELECT coalesce(string_agg({VERSION}, ',' ORDER BY id), '') FROM {FLAGS}"


@dataclass(slots=True)
class TrackedRow:
    """The version of a row when it was last reported, and since when it is finished."""

    version: str
    session: int | None
    mark: int = 0
    """Its MARK, once it was read."""
    finished: float | None = None


@dataclass(slots=True)
class TableCursors:
    """Positions in every table of one database."""

    identity: Identity
    capabilities: Capabilities
    cursors: dict[str, IdCursor]
    live: dict[str, dict[int, TrackedRow]]
    """Rows that may still change, by id."""
    counters: Counters
    clock: Clock
    rewritten: dict[str, RewrittenRows]
    indexed: frozenset[str] = frozenset()
    """Tables in which a range of ids is found quickly."""
    flags: str | None = None

    @classmethod
    async def start(
        cls,
        connection: asyncpg.Connection,
        capabilities: Capabilities,
        identity: Identity,
        clock: Clock,
        before: "TableCursors | None" = None,
    ) -> "TableCursors":
        """Positions at the present end of every table that there is; goes on from ``before`` in those it knew."""
        tables = tuple(table for table in GROWING_TABLES if capabilities.has(table, "id"))
        changing = frozenset(
            table for table in CHANGING_TABLES if capabilities.has(table, "id", *CHANGING_TABLES[table].needs)
        )
        watch = cls(identity, capabilities, {}, {}, Counters(tables, changing, clock), clock, {})
        watch.indexed = await indexed_tables(connection, tables)
        for table in tables:
            known = before and before.cursors.get(table)
            watch.cursors[table] = known or await start_cursor(connection, table, clock)
        for table in changing:
            await watch._track(connection, table, before.live.get(table) if before else None)
        if capabilities.has(FLAGS, "id"):
            flags = before.flags if before else None
            watch.flags = await connection.fetchval(FLAGS_VERSION) if flags is None else flags
        await watch.corrections(connection)
        return watch

    async def _track(self, connection: asyncpg.Connection, table: str, rows: dict[int, TrackedRow] | None) -> None:
        """Watches the rows of a changing table that may still change: those that are known, or that are there."""
        if rows is None:
            watermark, now = self.cursors[table].watermark, self.clock.now()
            rows = await _unfinished_rows(connection, self.capabilities, table, watermark, now)
        self.live[table] = rows
        self.rewritten[table] = await RewrittenRows.start(connection, self.clock)

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(self.cursors)

    async def read(self, connection: asyncpg.Connection, token: SnapshotToken) -> ChangeSet:
        """Everything that is new or changed since the last call; ``token`` was read just before.

        All that can fail comes first: a call that raises has changed nothing.
        """
        if any(cursor.unsettled(self.clock) for cursor in self.cursors.values()):
            token = await with_running(connection, token)
        rows = await connection.fetch(self._query(), *self._arguments()) if self.cursors else []
        owners = await self._owners(connection, rows)
        changes = ChangeSet()
        found: dict[str, set[int]] = {table: set() for table in self.cursors}
        new = dict.fromkeys(self.cursors, 0)
        for row in rows:
            if row["table_name"] == FLAGS:
                self._flags(row["version"], changes)
            elif row["id"] not in found[row["table_name"]]:
                found[row["table_name"]].add(row["id"])
                new[row["table_name"]] += row["id"] > self.cursors[row["table_name"]].watermark
                self._row(row, owners.get((row["table_name"], row["id"]), row["session_id"]), changes)
        self._move_on(found, token, changes)
        changes.more = any(count >= MAX_NEW_ROWS for count in new.values())
        return changes

    def _move_on(self, found: Mapping[str, set[int]], token: SnapshotToken, changes: ChangeSet) -> None:
        for table, ids in found.items():
            self._vanished(table, ids, changes)
            if self.cursors[table].settle(token):
                changes.corrected.add(table)
            self.cursors[table].saw(ids, self.clock)

    async def corrections(self, connection: asyncpg.Connection) -> set[str]:
        """Tables whose old rows changed since the last call; those that were emptied are read from their start."""
        return await self.counters.corrected(connection, self.cursors)

    async def track_rewritten(self, connection: asyncpg.Connection) -> bool:
        """Watches finished rows that were written again, as far as that is due; the next :meth:`read` tells of them."""
        found = False
        for table, rewritten in self.rewritten.items():
            rewritten.doubtful |= table in self.counters.doubtful
            live = self.live[table]
            ids = await rewritten.find(connection, table, self.cursors[table].watermark, live)
            # In which session they were nobody knows.
            self._begin_tracking(table, {number: TrackedRow("", None) for number in ids})
            found |= bool(ids)
        return found

    async def track_open_positions(self, connection: asyncpg.Connection) -> bool:
        """Watches every position that is open; True where one was not, which the next :meth:`read` tells of."""
        live = self.live.get("positions")
        if live is None:
            return False
        session = _session(self.capabilities, "positions")
        query = f"SELECT id, {session} AS session_id FROM positions WHERE status = 'OPEN' AND id <= $1"
        rows = await connection.fetch(query, self.cursors["positions"].watermark)
        missed = {row["id"]: TrackedRow("", row["session_id"]) for row in rows if row["id"] not in live}
        self._begin_tracking("positions", missed)
        return bool(missed)

    def _begin_tracking(self, table: str, rows: Mapping[int, TrackedRow]) -> None:
        self.live[table].update(rows)
        for number in rows:
            self.cursors[table].sums.forget(number)

    def _query(self) -> str:
        """One statement over every table; the n-th table's watermark and ids are parameters 2n-1 and 2n."""
        parts = []
        for number, table in enumerate(self.cursors):
            columns = self._columns(table)
            parts += [
                f"({columns} WHERE id > ${2 * number + 1} ORDER BY id LIMIT {MAX_NEW_ROWS})",
                f"{columns} WHERE id = ANY(${2 * number + 2}::bigint[])",
            ]
        if self.flags is not None:
            parts.append(f"SELECT '{FLAGS}', 0, NULL, ({FLAGS_VERSION}), 0, false")
        return " UNION ALL ".join(parts)

    async def _owners(
        self, connection: asyncpg.Connection, rows: Iterable[asyncpg.Record]
    ) -> dict[tuple[str, int], int | None]:
        """Of rows without a session, by table and id. They are rare, and looking for owners makes planning dear."""
        found: dict[tuple[str, int], int | None] = {}
        for table in OWNED_BY_IDS:
            if ids := [row["id"] for row in rows if row["table_name"] == table and row["session_id"] is None]:
                query = f"SELECT id, {_session(self.capabilities, table)} FROM {table} WHERE id = ANY($1::bigint[])"
                found |= {(table, number): session for number, session in await connection.fetch(query, ids)}
        return found

    def _columns(self, table: str) -> str:
        own = "session_id" if self.capabilities.has(table, "session_id") else "NULL"
        session = "id" if table == SESSIONS else own
        changing = CHANGING_TABLES[table] if table in self.live else None
        version, finished = (VERSION, changing.finished) if changing else ("''", "false")
        return (
            f"SELECT '{table}' AS table_name, id::bigint AS id, {session}::bigint AS session_id, {version} AS version,"
            f" {MARK} AS mark, {finished} AS finished FROM {table}"
        )

    def _arguments(self) -> list[object]:
        arguments: list[object] = []
        for table, cursor in self.cursors.items():
            watermark, pending_ids = cursor.arguments
            arguments += [watermark, [*pending_ids, *self.live.get(table, ())]]
        return arguments

    def _flags(self, version: str, changes: ChangeSet) -> None:
        if version != self.flags:
            self.flags = version
            changes.add(FLAGS, NewRow(0, None, is_new=False))

    def _row(self, row: asyncpg.Record, session: int | None, changes: ChangeSet) -> None:
        table, number = row["table_name"], row["id"]
        live = self.live.get(table)
        if live is None:
            self.cursors[table].sums.add(number, row["mark"])
            changes.add(table, NewRow(number, session, is_new=True))
            return
        known = live.get(number)
        if known is None or known.version != row["version"]:
            if known is not None and (known.session is None or known.session != session):
                # Gone from the session that it was in.
                changes.add(table, NewRow(number, known.session, is_new=False, finished=True))
            changes.add(table, NewRow(number, session, known is None, row["finished"]))
            # One that names no session belongs to another as soon as its orders do.
            live[number] = TrackedRow(row["version"], row["session_id"], row["mark"])
            self.counters.reported[table] = self.clock.monotonic()
        if row["finished"]:
            self._linger(table, number)

    def _linger(self, table: str, number: int) -> None:
        live, now = self.live[table], self.clock.monotonic()
        row = live[number]
        row.finished = row.finished or now
        if now - row.finished > FINISHED_ROW_SECONDS or len(live) > MAX_TRACKED_ROWS:
            del live[number]
            self.cursors[table].sums.add(number, row.mark)

    def _vanished(self, table: str, found: Iterable[int], changes: ChangeSet) -> None:
        """Live rows that are no longer there were deleted."""
        live = self.live.get(table, {})
        for number in live.keys() - set(found):
            del live[number]
            changes.corrected.add(table)


async def _unfinished_rows(
    connection: asyncpg.Connection, capabilities: Capabilities, table: str, watermark: int, now: datetime
) -> dict[int, TrackedRow]:
    session = _session(capabilities, table)
    alive = CHANGING_TABLES[table].alive.replace(WEEK_AGO, f"'{now - timedelta(days=7)}'::timestamp")
    rows = await connection.fetch(
        f"SELECT id, {VERSION} AS version, {session} AS session_id FROM {table}"
        f" WHERE id <= $1 AND {alive} ORDER BY id DESC LIMIT {MAX_TRACKED_ROWS}",
        watermark,
    )
    return {row["id"]: TrackedRow(row["version"], row["session_id"]) for row in rows}


def _session(capabilities: Capabilities, table: str) -> str:
    """SQL: the session that a row belongs to."""
    if table == SESSIONS:
        return "id::bigint"
    return owner(capabilities, table, table)
