"""What the feed remembers of the database: how far each table was read, and the versions of all rows still alive."""

from dataclasses import dataclass, field

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.database.gate import Gate, Tail, start_tail

TAILS = (
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

MOST_NEW_ROWS = 5000
"""A burst larger than this is taken as "everything changed"."""

_UNFINISHED = f"'{{{','.join(UNFINISHED)}}}'"
LIVE_IDS = {
    "positions": "SELECT id FROM positions WHERE status::text = 'OPEN'",
    "orders": f"SELECT id FROM orders WHERE status::text = ANY({_UNFINISHED}) AND created_at > now() - interval '7 d'",
    "trading_sessions": "SELECT id FROM trading_sessions WHERE end_time IS NULL",
}
FINISHED = {
    "positions": "status::text <> 'OPEN'",
    "orders": f"status::text <> ALL({_UNFINISHED})",
    "trading_sessions": "end_time IS NOT NULL",
}
FLAGS = "system_control_flags"

COUNTERS = """
SELECT c.relname AS name, coalesce(pg_relation_filenode(c.oid), 0) AS file,
       pg_stat_get_tuples_updated(c.oid) AS updated, pg_stat_get_tuples_deleted(c.oid) AS deleted
FROM unnest($1::text[]) AS wanted(name) JOIN pg_class c ON c.oid = to_regclass(wanted.name)
"""
IDENTITY = """
SELECT current_database(), (SELECT oid FROM pg_database WHERE datname = current_database())::bigint,
       CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE')
            THEN (SELECT system_identifier::text FROM pg_control_system()) END
"""


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row that appeared or changed. ``session`` is None where the row belongs to none."""

    id: int
    session: int | None
    is_new: bool
    finished: bool = False


@dataclass(slots=True)
class Changes:
    """What one poll found."""

    rows: dict[str, list[NewRow]] = field(default_factory=dict)
    corrected: set[str] = field(default_factory=set)
    """Tables in which old rows changed or went."""
    lost: bool = False
    """Ids are lower than before: this is not the database it was."""

    def __bool__(self) -> bool:
        return bool(self.rows or self.corrected)

    def add(self, table: str, row: NewRow) -> None:
        self.rows.setdefault(table, []).append(row)


@dataclass(slots=True)
class Watch:
    """Positions in every table of one database."""

    identity: tuple[object, ...]
    tables: tuple[str, ...]
    session_columns: frozenset[str]
    tails: dict[str, Tail]
    live: dict[str, dict[int, str]]
    """Row versions by id of rows that may still change."""
    flags: str | None = None
    counters: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    @staticmethod
    async def identity_of(connection: asyncpg.Connection) -> tuple[object, ...]:
        return tuple(await connection.fetchrow(IDENTITY))

    @classmethod
    async def start(
        cls, connection: asyncpg.Connection, capabilities: Capabilities, identity: tuple[object, ...]
    ) -> "Watch":
        """Positions at the present end of every table that there is."""
        tables = tuple(table for table in TAILS if capabilities.has(table, "id"))
        watch = cls(
            identity,
            tables,
            frozenset(table for table in tables if capabilities.has(table, "session_id")),
            {table: await start_tail(connection, table) for table in tables},
            {},
        )
        for table, query in LIVE_IDS.items():
            needs = {"positions": "status", "orders": "created_at", "trading_sessions": "end_time"}[table]
            if capabilities.has(table, "id", needs):
                watch.live[table] = {row["id"]: "" for row in await connection.fetch(query)}
        if capabilities.has(FLAGS, "id"):
            watch.flags = ""
        await watch._versions(connection)
        await watch.corrections(connection)
        return watch

    async def _versions(self, connection: asyncpg.Connection) -> None:
        """Takes note of the versions that live rows have now."""
        if self.tables:
            for row in await connection.fetch(self._query(), *self._arguments()):
                if row["table_name"] in self.live and row["id"] in self.live[row["table_name"]]:
                    self.live[row["table_name"]][row["id"]] = row["version"]
                elif row["table_name"] == FLAGS:
                    self.flags = row["version"]

    def _query(self) -> str:
        """One statement over every table; the n-th table's watermark and ids are parameters 2n-1 and 2n."""
        parts = []
        for number, table in enumerate(self.tables):
            session = "session_id::bigint" if table in self.session_columns else "NULL::bigint"
            session = "id::bigint" if table == "trading_sessions" else session
            live = table in self.live
            version = "xmin::text || ctid::text" if live else "''"
            finished = FINISHED[table] if live else "false"
            parts.append(
                f"(SELECT '{table}' AS table_name, id::bigint AS id, {session} AS session_id, {version} AS version,"
                f" {finished} AS finished FROM {table}"
                f" WHERE id > ${2 * number + 1} OR id = ANY(${2 * number + 2}::bigint[])"
                f" ORDER BY id LIMIT {MOST_NEW_ROWS})"
            )
        if self.flags is not None:
            parts.append(
                f"SELECT '{FLAGS}', 0, NULL, coalesce(string_agg(xmin::text || ctid::text, ',' ORDER BY id), ''), false"
                f" FROM {FLAGS}"
            )
        return " UNION ALL ".join(parts)

    def _arguments(self) -> list[object]:
        arguments: list[object] = []
        for table in self.tables:
            watermark, gaps = self.tails[table].arguments
            arguments += [watermark, [*gaps, *self.live.get(table, ())]]
        return arguments

    async def read(self, connection: asyncpg.Connection, gate: Gate) -> Changes:
        """Everything that is new or changed since the last call; ``gate`` was read just before."""
        changes = Changes()
        if not self.tables:
            return changes
        rows = await connection.fetch(self._query(), *self._arguments())
        found: dict[str, set[int]] = {table: set() for table in self.tables}
        for row in rows:
            if row["table_name"] == FLAGS:
                self._flags(row["version"], changes)
            else:
                found[row["table_name"]].add(row["id"])
                self._row(row, changes)
        for table, ids in found.items():
            self._vanished(table, ids, changes)
            self.tails[table].settle(gate)
            self.tails[table].saw(ids)
        return changes

    def _flags(self, version: str, changes: Changes) -> None:
        if version != self.flags:
            self.flags = version
            changes.add(FLAGS, NewRow(0, None, is_new=False))

    def _row(self, row: asyncpg.Record, changes: Changes) -> None:
        table, number = row["table_name"], row["id"]
        live = self.live.get(table)
        known = live is not None and number in live
        if live is None or not known:
            changes.add(table, NewRow(number, row["session_id"], True, row["finished"]))
            if live is not None and not row["finished"]:
                live[number] = row["version"]
        elif live[number] != row["version"]:
            changes.add(table, NewRow(number, row["session_id"], False, row["finished"]))
            live[number] = row["version"]
            if row["finished"]:
                del live[number]

    def _vanished(self, table: str, found: set[int], changes: Changes) -> None:
        """Live rows that are no longer there were deleted."""
        live = self.live.get(table, {})
        if len(found) < MOST_NEW_ROWS:
            for number in [number for number in live if number not in found]:
                del live[number]
                changes.corrected.add(table)

    async def corrections(self, connection: asyncpg.Connection) -> set[str]:
        """Tables in which the server counted updates or deletions since the last call, or that were emptied.

        Tables whose live rows change all the time are left to :meth:`read`, but for deletions.
        """
        corrected = set()
        for row in await connection.fetch(COUNTERS, list(self.tables)):
            table, updated = row["name"], 0 if row["name"] in self.live else row["updated"]
            now = (row["file"], updated, row["deleted"])
            if self.counters.setdefault(table, now) != now:
                self.counters[table] = now
                corrected.add(table)
        return corrected
