"""What ``atb db verify`` and ``atb db init`` do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from monitoring.changes.audit import expected_round_seconds
from monitoring.changes.table_cursors import GROWING_TABLES
from monitoring.clock import SYSTEM_CLOCK, Clock
from monitoring.database.capabilities import ESSENTIAL, FLAGS, TABLES, Capabilities
from monitoring.database.errors import DatabaseUnavailable, PlainErrors
from monitoring.database.pool import CONNECT_TIMEOUT_SECONDS, Database
from monitoring.database.refusals import refusals
from monitoring.database.role_time import MAX_LEAD, RoleTime, sentence
from monitoring.database.schema import create_schema
from monitoring.database.serverinfo import ServerInfo
from monitoring.database.source import Source
from monitoring.database.url import describe_url
from monitoring.formatting.times import duration
from monitoring.projections import bookings, equity, open_positions, trades
from monitoring.projections.signs_of_life import newest_of_all
from monitoring.scope import NEEDS as SESSION_NEEDS
from monitoring.sections import SECTIONS

NEWEST = {
    "trading_sessions": "start_time",
    "trades": "exit_time",
    "account_history": "timestamp",
    "system_events": "timestamp",
}
NEEDED = ("trading_sessions", "trades", "positions", "account_history")
COLUMNS_NEEDED: Mapping[str, tuple[str, ...]] = {
    ESSENTIAL: SESSION_NEEDS,
    "trades": trades.NEEDS,
    "positions": open_positions.NEEDS,
    "account_history": equity.NEEDS,
    "account_balances": bookings.NEEDS,
    "system_events": ("id", "session_id", "timestamp"),
}

INDEX = "CREATE INDEX CONCURRENTLY positions_open_idx ON positions (id) WHERE status = 'OPEN'"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. ``ok`` is False when the dashboard could not work with it."""

    lines: tuple[str, ...]
    ok: bool

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


async def verify(url: str, clock: Clock = SYSTEM_CLOCK) -> Report:
    """Looks at a database without changing it. Raises DatabaseUnavailable."""
    database = Database(url, clock)
    await database.open()
    server = database.server
    assert server is not None
    try:
        async with database.acquire() as connection:
            capabilities = database.capabilities
            lines = [_server_line(database.name, server), *_table_lines(capabilities), *_column_lines(capabilities)]
            lines += [await _newest_line(connection, capabilities, table, clock.now()) for table in NEWEST]
            lines += [await _rights_line(connection, server), *_feed_lines(server)]
            lines += [await _audit_line(connection, capabilities, clock)]
            lines += await _index_lines(connection, capabilities)
            lines += await _time_zone_lines(database, connection, capabilities, clock)
    finally:
        await database.close()
    blind = list(dict.fromkeys(_blind(capabilities)))
    lines += [f"Blind: {line}" for line in blind]
    missing = [table for table in NEEDED if not capabilities.has(table)]
    if missing:
        lines.append(f"The dashboard cannot work without: {', '.join(missing)}")
    return Report(tuple(lines), ok=not missing and not blind)


def _server_line(name: str, server: ServerInfo) -> str:
    return f"Connected to {name}: PostgreSQL {server.version}, {server.role}, {server.way}"


def _table_lines(capabilities: Capabilities) -> list[str]:
    found = [table for table in TABLES if capabilities.has(table)]
    missing = [table for table in capabilities.missing_tables() if table not in capabilities.faults]
    lines = [f"Tables found ({len(found)} of {len(TABLES)}): {', '.join(found) or 'none'}"]
    if missing:
        lines.append(f"Tables missing: {', '.join(missing)}")
    return lines


def _column_lines(capabilities: Capabilities) -> list[str]:
    """What differs from the contract's columns, and what cannot be read."""
    faults, denied = capabilities.faults, capabilities.denied
    missing = [name for name in faults if name not in denied and name not in capabilities.differing and "." in name]
    converted = [f"{name} ({kind})" for name, kind in capabilities.differing.items() if name not in faults]
    lines = [f"Cannot be read: {why}" for name, why in faults.items() if name not in missing]
    if missing:
        lines.append(f"Columns missing (what needs them is unknown): {', '.join(missing)}")
    if converted:
        lines.append(f"Columns of other types, read all the same: {', '.join(converted)}")
    return lines


def _blind(capabilities: Capabilities) -> Iterator[str]:
    """What nobody would see: sections without what they need, and what the dashboard reads but is hidden from it."""
    for section in SECTIONS:
        whys = [capabilities.fault(table, *COLUMNS_NEEDED.get(table, ())) for table in section.needs]
        yield from (f"{section.title}: {why}" for why in whys if why)
    if why := capabilities.fault(ESSENTIAL, *COLUMNS_NEEDED[ESSENTIAL]):
        yield f"everything: {why}"
    if capabilities.hides(*FLAGS):
        yield f"a kill switch would go unseen: {capabilities.fault(*FLAGS)}"
    read = {*GROWING_TABLES, FLAGS[0]}
    hidden = capabilities.denied | (capabilities.differing.keys() & capabilities.faults.keys())
    if places := [name for name in capabilities.faults if name in hidden and name.partition(".")[0] in read]:
        yield f"the figures that need {', '.join(places)}"


async def _newest_line(connection: asyncpg.Connection, capabilities: Capabilities, table: str, now: datetime) -> str:
    column = NEWEST[table]
    if not capabilities.has(table, column):
        return f"Newest row of {table}: not available"
    newest = await connection.fetchval(f"SELECT max({column})::timestamp FROM {table}")
    if newest is None:
        return f"Newest row of {table}: none yet"
    ahead = (newest - now).total_seconds()
    warning = " – in the future: check the engine's clock and the server's time zone" if ahead > 300 else ""
    return f"Newest row of {table}: {newest:%Y-%m-%d %H:%M:%S} UTC{warning}"


async def _time_zone_lines(
    database: Database, connection: asyncpg.Connection, capabilities: Capabilities, clock: Clock
) -> list[str]:
    newest = await newest_of_all(Source(connection, capabilities), clock.now() + MAX_LEAD)
    offset = await RoleTime(database, clock).offset_of(newest, clock.now())
    return [] if offset is None else [f"Time zone: {sentence(offset)}"]


async def _rights_line(connection: asyncpg.Connection, server: ServerInfo) -> str:
    may_write = await connection.fetchval(
        "SELECT coalesce(bool_and(has_table_privilege(oid, 'INSERT')), false) FROM pg_class"
        " WHERE oid IN (to_regclass('account_balances'), to_regclass('system_events'))"
    )
    if server.standby:
        return "Rights: reading only (a standby takes no balance adjustments)"
    return "Rights: " + ("reading, and writing balance adjustments" if may_write else "reading only (enough to watch)")


def _feed_lines(server: ServerInfo) -> list[str]:
    lines = [
        f"Change feed: polls {server.gate}; creates nothing in the database",
        f"Corrections of old rows: {server.blind_spot}",
    ]
    if server.pooled:
        lines.append("Time limits: only those of the pooler and the role (statement_timeout, lock_timeout)")
    return lines


async def _audit_line(connection: asyncpg.Connection, capabilities: Capabilities, clock: Clock) -> str:
    tables = [table for table in GROWING_TABLES if capabilities.has(table, "id")]
    seconds = await expected_round_seconds(connection, tables, clock)
    return f"Rolling audit: a round over all tables takes some {duration(seconds)}, ten times that while nobody looks"


async def _index_lines(connection: asyncpg.Connection, capabilities: Capabilities) -> list[str]:
    if not capabilities.has("positions", "status") or "positions.status" in capabilities.differing:
        return []
    exists = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = to_regclass('positions')"
        " AND pg_get_expr(indpred, indrelid) LIKE '%OPEN%')"
    )
    if exists:
        return []
    rows = await connection.fetchval("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass('positions')")
    return [
        f"Optional index (positions has about {max(rows, 0):,} rows; finding the open ones then takes well under"
        f" 1 ms instead of a scan at every start): {INDEX};"
    ]


async def create(url: str) -> None:
    """Creates the engine's tables in an empty database. Raises SchemaExists, DatabaseUnavailable."""
    with PlainErrors(describe_url(url)), refusals(url):
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_SECONDS)
    try:
        await create_schema(connection)
    except asyncpg.PostgresError as error:
        raise DatabaseUnavailable(f"{describe_url(url)}: the tables cannot be created ({error})") from error
    finally:
        await connection.close()
