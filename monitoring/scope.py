"""Which session and which range a request is about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.metrics.facts import Session

RANGES: Mapping[str, timedelta | None] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
    "all": None,
}
DEFAULT_RANGE = "30d"
CURRENT = "current"
NEWEST_SESSIONS = 100
"""How many sessions the switcher offers."""

UNKNOWN = "unknown"
"""In place of a name that the database does not tell."""
LARGEST_ID = 2**31 - 1
"""Ids are integers in the engine's tables: a larger one exists nowhere, and asking for it would be an error."""

COLUMNS: Columns = {
    "id": "bigint",
    "session_name": "text",
    "mode": "text",
    "strategy_name": "text",
    "symbol": "text",
    "timeframe": "text",
    "exchange": "text",
    "start_time": "timestamp",
    "end_time": "timestamp",
    "initial_balance": "numeric",
    "strategy_config": "text",
}

NEEDS = ("id", "start_time", "mode")
"""Without these no session can be told from another."""

CURRENT_FIRST = """
ORDER BY end_time IS NOT NULL,
         CASE WHEN end_time IS NULL THEN
              CASE mode::text WHEN 'LIVE' THEN 0 WHEN 'PAPER' THEN 1 WHEN 'BACKTEST' THEN 2 ELSE 3 END END,
         coalesce(end_time, start_time) DESC, id DESC
"""
"""Running before ended; of the running LIVE, PAPER, BACKTEST, then the latest start; of the ended the latest end."""


class UnknownSession(Exception):
    """The request names a session that the database does not hold."""

    def __init__(self, requested: str) -> None:
        super().__init__(f"session={requested}: expected current or the id of a trading session")


@dataclass(frozen=True, slots=True)
class Scope:
    """A session, how it was asked for, and the range its charts show."""

    session: Session
    requested: str
    range: str = DEFAULT_RANGE

    def since(self, now: datetime) -> datetime:
        """Start of the range, counted back from now or from the end of the session; 1970 where it has no length."""
        length = RANGES[self.range]
        return datetime(1970, 1, 1) if length is None else self.until(now) - length

    def until(self, now: datetime) -> datetime:
        """End of what there is to show: now, or the end of the session."""
        return min(now, self.session.end or now)


def parse_config(text: str | None) -> dict[str, object]:
    """``strategy_config`` in its three shapes: an object, a JSON string holding one, or NULL."""
    value: object = text
    for _ in range(2):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return {}
    return value if isinstance(value, dict) else {}


def configured(config: Mapping[str, object], name: str) -> float | None:
    """A number from the strategy's configuration, at its top level or in one of the places strategies keep it."""
    for place in (config, *(config.get(key) for key in ("risk", "risk_manager", "position_management"))):
        value = place.get(name) if isinstance(place, Mapping) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    return None


def _symbols(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip().upper() for part in (text or "").split(",") if part.strip()))


def _session(row: asyncpg.Record) -> Session:
    balance = row["initial_balance"]
    return Session(
        id=row["id"],
        ids=(row["id"],),
        name=row["session_name"],
        mode=row["mode"].upper(),
        strategy=row["strategy_name"] or UNKNOWN,
        symbols=_symbols(row["symbol"]),
        timeframe=row["timeframe"] or UNKNOWN,
        exchange=row["exchange"],
        start=row["start_time"],
        end=None if row["end_time"] == datetime.max else row["end_time"],  # noqa: DTZ901 - an infinite one
        initial_balance=balance if balance is not None and balance.is_finite() else None,
        config=parse_config(row["strategy_config"]),
    )


def _is_id(text: str) -> bool:
    """Whether ``text`` spells an id the one way there is, so that nobody follows a scope of which no one tells."""
    return text.isascii() and text.isdigit() and len(text) <= 10 and text == str(int(text)) and int(text) <= LARGEST_ID


async def find_session(connection: asyncpg.Connection, capabilities: Capabilities, requested: str) -> Session | None:
    """The session ``requested`` by id or as "current"; None when the database holds no session at all.

    Raises UnknownSession for an id that does not exist or is not a number.
    """
    capabilities.require_columns("trading_sessions", *NEEDS)
    columns = capabilities.columns("trading_sessions", COLUMNS)
    if requested == CURRENT:
        row = await connection.fetchrow(
            f"SELECT * FROM (SELECT {columns} FROM trading_sessions) s {CURRENT_FIRST} LIMIT 1"
        )
        return _session(row) if row else None
    if not _is_id(requested):
        raise UnknownSession(requested[:40])
    row = await connection.fetchrow(f"SELECT {columns} FROM trading_sessions s WHERE id = $1", int(requested))
    if row is None:
        raise UnknownSession(requested)
    return _session(row)


async def list_sessions(connection: asyncpg.Connection, capabilities: Capabilities) -> list[Session]:
    """The newest sessions, the default one first."""
    capabilities.require_columns("trading_sessions", *NEEDS)
    columns = capabilities.columns("trading_sessions", COLUMNS)
    rows = await connection.fetch(
        f"SELECT * FROM (SELECT {columns} FROM trading_sessions) s {CURRENT_FIRST} LIMIT {NEWEST_SESSIONS}"
    )
    return [_session(row) for row in rows]
