"""Reads the account: its newest balance, and equity and margin of its newest snapshot."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import asyncpg

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.capabilities import Capabilities, Columns
from monitoring.metrics.facts import Account
from monitoring.projections import ScopeState
from monitoring.projections.bookings import CURRENCY
from monitoring.sections.section import Reading

SNAPSHOT: Columns = {
    "timestamp": "timestamp",
    "balance": "numeric",
    "equity": "numeric",
    "margin_used": "numeric",
    "margin_available": "numeric",
    "total_exposure": "numeric",
}
BALANCE: Columns = {
    "id": "bigint",
    "total_balance": "numeric",
    "available_balance": "numeric",
    "base_currency": "text",
    "last_updated": "timestamp",
}
# By the index on session and time.
NEWEST_BALANCES = """
SELECT DISTINCT ON (scope.place) scope.place, newest.*
FROM unnest($1::bigint[], $2::bigint[]) AS scope (session, place), LATERAL (
    SELECT {columns} FROM account_balances b
    WHERE b.session_id = scope.session AND b.last_updated <= $3 AND {own}
    ORDER BY last_updated DESC, id DESC LIMIT 1
) newest ORDER BY scope.place, last_updated DESC, id DESC
"""
"""Of several scopes, each a place."""


def known(value: Decimal | None) -> Decimal | None:
    """The value, unless it is NaN or infinite."""
    return value if value is not None and value.is_finite() else None


async def read_account(reading: Reading) -> Account:
    """The newest balance of either table, and equity and margin of the newest real snapshot."""
    (account,) = await read_accounts(reading, [reading.state])
    return account


async def read_accounts(reading: Reading, states: Sequence[ScopeState]) -> list[Account]:
    """The same of each of several scopes, whatever the scope of the reading."""
    # Somebody else may bring the state up to date while we wait.
    ids = [(state.history.last_id, state.history.last_snapshot_id) for state in states]
    rows = await _snapshots(reading.connection, reading.capabilities, [number for both in ids for number in both])
    booked = await _newest_bookings(reading, BALANCE, [state.session.ids for state in states])
    return [
        _account(rows.get(last), rows.get(snapshot), booked.get(place)) for place, (last, snapshot) in enumerate(ids)
    ]


def _account(newest: asyncpg.Record | None, real: asyncpg.Record | None, booked: asyncpg.Record | None) -> Account:
    balance, balance_at = (newest["balance"], newest["timestamp"]) if newest else (None, None)
    if booked and (balance_at is None or booked["last_updated"] >= balance_at):
        balance, balance_at = booked["total_balance"], booked["last_updated"]
    return Account(
        balance=known(balance),
        balance_at=balance_at,
        equity=known(real["equity"]) if real else None,
        equity_at=real["timestamp"] if real else None,
        currency=booked["base_currency"] if booked else None,
        **_margin(real, booked),
    )


def _margin(real: asyncpg.Record | None, booked: asyncpg.Record | None) -> dict[str, Any]:
    """What is used and free, by field of Account: zero beside an exposure means that the engine did not record it."""
    used, free, exposure = (
        known(real[name]) if real else None for name in ("margin_used", "margin_available", "total_exposure")
    )
    found: dict[str, Any] = {"margin_used": used, "margin_available": free}
    if used == 0 and exposure is not None and exposure > 0:
        why = "the engine does not record margin: it wrote 0 while something was exposed"
        found = {"margin_used": None, "margin_available": None, "no_margin": why}
    if booked and (real is None or booked["last_updated"] > real["timestamp"]):
        available = known(booked["available_balance"])
        if available is not None and available != known(booked["total_balance"]):
            found["margin_available"] = available
    return found


async def _snapshots(
    connection: asyncpg.Connection, capabilities: Capabilities, ids: Iterable[int | None]
) -> dict[int | None, asyncpg.Record]:
    wanted = {number for number in ids if number is not None}
    if not wanted:
        return {}
    columns = capabilities.columns("account_history", {"id": "bigint", **SNAPSHOT})
    rows = await connection.fetch(f"SELECT {columns} FROM account_history WHERE id = ANY($1::bigint[])", list(wanted))
    return {row["id"]: row for row in rows}


async def read_booking(reading: Reading, columns: Columns) -> asyncpg.Record | None:
    """The newest booking in the account's currency; one that lies in the future is none."""
    return (await _newest_bookings(reading, columns, [reading.state.session.ids])).get(0)


async def _newest_bookings(
    reading: Reading, columns: Columns, scopes: Sequence[Sequence[int]]
) -> dict[int, asyncpg.Record]:
    """The same of several scopes, by place; ``scopes``: ids of sessions."""
    if not reading.capabilities.has("account_balances", "session_id", "last_updated", "total_balance"):
        return {}
    query = NEWEST_BALANCES.format(
        columns=reading.capabilities.columns("account_balances", columns, "b"), own=CURRENCY.format(row="b")
    )
    pairs = [(session, place) for place, sessions in enumerate(scopes) for session in sessions]
    sessions, places = zip(*pairs, strict=True) if pairs else ((), ())
    rows = await reading.connection.fetch(query, sessions, places, reading.now + MAX_CLOCK_SKEW)
    return {row["place"]: row for row in rows}
