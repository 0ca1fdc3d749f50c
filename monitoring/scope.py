"""Which session and which range a request is about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.metrics.facts import Session
from monitoring.metrics.value import number
from monitoring.scope_key import ScopeKey, SessionScope

RANGES: Mapping[str, timedelta | None] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
    "all": None,
}
DEFAULT_RANGE = "30d"
UNKNOWN = "unknown"
"""In place of a name that the database does not tell."""

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
}

NEEDS = ("id", "start_time", "mode")
"""Without these no session can be distinguished from another."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A session or a bot, how it is followed, and the range its charts show."""

    session: Session
    key: ScopeKey
    """Under which changes are announced."""
    range: str = DEFAULT_RANGE

    @property
    def is_bot(self) -> bool:
        """Whether it is a bot, and not one session alone."""
        return not isinstance(self.key, SessionScope)


def json_object(text: str | None) -> dict[str, object]:
    """A JSON column in its shapes: an object, a JSON string holding one (or a column of text), or NULL."""
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
        value = number(place.get(name)) if isinstance(place, Mapping) else None
        if value is not None:
            return value
    return None


def max_open_positions(config: Mapping[str, object]) -> int | None:
    """How many positions the strategy may hold at once; None where its configuration does not say."""
    slots = configured(config, "max_open_positions")
    return None if slots is None else int(slots)


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
        config={},
    )


async def read_sessions(connection: asyncpg.Connection, capabilities: Capabilities) -> list[Session]:
    """Every session that says when it began and in which mode, without its configuration. Raises TableMissing."""
    capabilities.require_columns("trading_sessions", *NEEDS)
    columns = capabilities.columns("trading_sessions", COLUMNS)
    query = f"SELECT {columns} FROM trading_sessions WHERE start_time IS NOT NULL AND mode IS NOT NULL"
    return [_session(row) for row in await connection.fetch(query)]


async def read_config(connection: asyncpg.Connection, capabilities: Capabilities, session: int) -> dict[str, object]:
    """The configuration of a session; empty where it has none."""
    config = capabilities.column("trading_sessions", "strategy_config", "text")
    return json_object(await connection.fetchval(f"SELECT {config} FROM trading_sessions WHERE id = $1", session))
