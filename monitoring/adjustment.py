"""The one thing that the dashboard writes: a manual adjustment of the balance, a row and an event in one transaction.

The engine appends a balance by reading the newest row ``FOR UPDATE``. So this locks the newest row too, looks again
whether it still is the newest (the engine may have added one while we waited), and only then adds its own.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg

from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities

log = logging.getLogger(__name__)

ADVISORY_LOCK_ID = 0x4154_424D
"""Number of the advisory lock that every adjustment takes, whichever dashboard makes it."""
KEY_LIFE = timedelta(days=30)
"""How long an idempotency key is remembered."""
MAX_TRIES = 20
ROUNDING_SHARE = Decimal("1e-14")
"""How much of itself a balance may lose where its column is no numeric."""
MAX_REASON_CHARACTERS, MAX_NAME_CHARACTERS = 200, 50
EVENT = "BALANCE_ADJUSTMENT"

# First of all: the pool's sessions are read-only, and a transaction may only change that before its first query.
BEGIN = """
SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '5s';
"""
# By the index on session and time. A row at the end of time is none that another could follow.
NEWEST = """
SELECT newest.id FROM unnest($1::bigint[]) AS scope (session), LATERAL (
    SELECT id, last_updated FROM account_balances WHERE session_id = scope.session AND last_updated < '9999-12-31'
    ORDER BY last_updated DESC, id DESC LIMIT 1
) newest ORDER BY last_updated DESC, id DESC LIMIT 1
"""
LOCK = "SELECT id FROM account_balances WHERE id = $1 FOR UPDATE"
LOCKED = """
SELECT id, total_balance, last_updated, base_currency, {reserved} AS reserved_balance, {assets} AS asset_balances
FROM account_balances WHERE id = $1
"""
WITH_KEY = """
SELECT details::text AS details, {session} AS session_id FROM system_events
WHERE timestamp > $1 AND event_type::text = $2 AND details::json ->> 'idempotency_key' = $3
ORDER BY id DESC LIMIT 1
"""
TYPES = """
SELECT attname, format_type(atttypid, NULL) AS kind FROM pg_attribute
WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
"""

Kinds = Mapping[str, str]
"""Column → PostgreSQL type."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What the operator wants. ``expected_*`` are what they saw; None where they do not care."""

    sessions: tuple[int, ...]
    """Those whose newest balance is adjusted, oldest first: just after a restart the newest has none of its own."""
    balance: Decimal
    reason: str
    adjusted_by: str
    key: str | None = None
    """The same key with the same wish is carried out once."""
    expected_id: int | None = None
    expected_balance: Decimal | None = None

    @property
    def session(self) -> int:
        """The newest session, which the row goes to."""
        return self.sessions[-1]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What was done. ``old_balance`` is None where the database holds NaN."""

    old_balance: Decimal | None
    new_balance: Decimal
    replayed: bool = False
    """It had been done before, under the same key."""


class AdjustmentRefused(Exception):
    """The adjustment was not made, and nothing was written. ``code`` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def adjust_balance(
    connection: asyncpg.Connection, capabilities: Capabilities, wish: Adjustment, clock: Clock
) -> Adjusted:
    """Sets the balance of a bot, or of one session. Raises AdjustmentRefused, TableMissing."""
    capabilities.require_columns("account_balances", "id", "session_id", "total_balance", "last_updated")
    capabilities.require_columns("system_events", "id", "timestamp", "event_type")
    try:
        async with connection.transaction():
            done, number = await _adjust(connection, wish, clock)
    except asyncpg.InsufficientPrivilegeError:
        raise AdjustmentRefused("not_permitted", "The database role may not write.") from None
    except (asyncpg.ReadOnlySQLTransactionError, asyncpg.FeatureNotSupportedError):
        raise AdjustmentRefused("read_only", "The database is a read-only copy.") from None
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        raise AdjustmentRefused("busy", "The balance is being changed by somebody else: try again.") from None
    except (asyncpg.DataError, asyncpg.CannotCoerceError, asyncpg.NotNullViolationError):
        raise AdjustmentRefused("does_not_fit", "The tables of this database are others than the engine's.") from None
    except asyncpg.UniqueViolationError as taken:
        hint = (
            f"{taken.table_name} gives out an id that a row has already: its sequence lags behind, after a restore say."
        )
        raise AdjustmentRefused("id_taken", hint) from None
    if number is not None:
        await _verify(connection, wish, number)
    return done


async def _adjust(connection: asyncpg.Connection, wish: Adjustment, clock: Clock) -> tuple[Adjusted, int | None]:
    await connection.execute(BEGIN)
    await connection.execute("SELECT pg_advisory_xact_lock($1)", ADVISORY_LOCK_ID)
    balances, events = await _kinds(connection, "account_balances"), await _kinds(connection, "system_events")
    if wish.key is not None and (earlier := await _earlier(connection, events, wish, clock.now() - KEY_LIFE)):
        return earlier, None
    before = await _lock_newest(connection, balances, wish.sessions)
    _compare(before, wish)
    now = clock.now()
    number = await _insert(connection, "account_balances", balances, _balance(before, wish, now))
    await _insert(connection, "system_events", events, _event(before, wish, now))
    old: Decimal = before["total_balance"]
    return Adjusted(old if old.is_finite() else None, wish.balance), number


async def _kinds(connection: asyncpg.Connection, table: str) -> Kinds:
    return {row["attname"]: row["kind"] for row in await connection.fetch(TYPES, table)}


async def _earlier(connection: asyncpg.Connection, events: Kinds, wish: Adjustment, since: datetime) -> Adjusted | None:
    """What was done under the wish's key since then; None where nothing was."""
    if "details" not in events:
        raise AdjustmentRefused("no_keys", "This database cannot remember an Idempotency-Key.")
    session = "session_id" if "session_id" in events else f"{wish.session}"
    query = WITH_KEY.format(session=session)
    row = await connection.fetchrow(query, since, EVENT, wish.key)
    if row is None:
        return None
    details = json.loads(row["details"], parse_float=Decimal, parse_int=Decimal)
    same = (
        row["session_id"] in wish.sessions
        and details.get("new_balance") == wish.balance
        and details.get("reason") == wish.reason
        and details.get("adjusted_by") == wish.adjusted_by
    )
    if not same:
        raise AdjustmentRefused("key_reused", "This Idempotency-Key belongs to another adjustment.")
    return Adjusted(details.get("old_balance"), details["new_balance"], replayed=True)


async def _lock_newest(connection: asyncpg.Connection, balances: Kinds, sessions: Sequence[int]) -> asyncpg.Record:
    query = LOCKED.format(
        reserved="reserved_balance" if "reserved_balance" in balances else "NULL::numeric",
        assets="asset_balances::text" if "asset_balances" in balances else "NULL::text",
    )
    number = await connection.fetchval(NEWEST, sessions)
    for _ in range(MAX_TRIES):
        if number is None:
            raise AdjustmentRefused("no_balance", "There is no balance to adjust yet: the engine has not written one.")
        await connection.fetchval(LOCK, number)
        row = await connection.fetchrow(query, number)
        newest = await connection.fetchval(NEWEST, sessions)
        if row is not None and newest == number:
            return row
        number = newest
    raise AdjustmentRefused("busy", "The balance changes all the time: try again.")


def _compare(before: asyncpg.Record, wish: Adjustment) -> None:
    other_row = wish.expected_id is not None and wish.expected_id != before["id"]
    other_balance = wish.expected_balance is not None and wish.expected_balance != before["total_balance"]
    if other_row or other_balance:
        raise AdjustmentRefused("balance_changed", f"The balance is {before['total_balance']:f} by now: look again.")


def _balance(before: asyncpg.Record, wish: Adjustment, now: datetime) -> Mapping[str, object]:
    reserved: Decimal | None = before["reserved_balance"]
    bound = reserved if reserved is not None and reserved.is_finite() else Decimal(0)
    return {
        "session_id": wish.session,
        "base_currency": before["base_currency"],
        "total_balance": wish.balance,
        "available_balance": max(wish.balance - bound, Decimal(0)),
        "reserved_balance": reserved,
        "asset_balances": _assets(before, wish.balance),
        # Never older than the row it follows, or it would not be the newest where clocks differ.
        "last_updated": max(now, before["last_updated"] + timedelta(microseconds=1)),
        "updated_by": wish.adjusted_by[:MAX_NAME_CHARACTERS],
        "update_reason": f"Manual adjustment: {wish.reason}"[:MAX_REASON_CHARACTERS],
        "created_at": now,
    }


def _assets(before: asyncpg.Record, balance: Decimal) -> str | None:
    """The assets as they were, but for the base currency, which moves by as much as the balance."""
    text: str | None = before["asset_balances"]
    assets = json.loads(text) if text else None
    currency, old = before["base_currency"], before["total_balance"]
    if not isinstance(assets, dict):
        return text
    held = assets.get(currency)
    if not isinstance(held, (int, float)) or isinstance(held, bool) or not old.is_finite():
        return text
    moved = Decimal(repr(held)) + balance - old
    return json.dumps({**assets, currency: float(max(moved, Decimal(0)))})


def _event(before: asyncpg.Record, wish: Adjustment, now: datetime) -> Mapping[str, object]:
    old: Decimal = before["total_balance"]
    details = {
        "old_balance": float(old) if old.is_finite() else None,
        "new_balance": float(wish.balance),
        "reason": wish.reason,
        "adjusted_by": wish.adjusted_by,
        "idempotency_key": wish.key,
    }
    return {
        "timestamp": now,
        "event_type": EVENT,
        "severity": "info",
        "message": f"Balance adjusted by hand from {old:,.2f} to {wish.balance:,.2f}",
        "details": json.dumps(details),
        "component": "dashboard",
        "alert_sent": False,
        "session_id": wish.session,
        "created_at": now,
    }


async def _insert(connection: asyncpg.Connection, table: str, kinds: Kinds, values: Mapping[str, object]) -> int:
    """Inserts those of ``values`` whose column there is, each cast to its column's type; the new row's id."""
    row = {column: value for column, value in values.items() if column in kinds}
    places = ", ".join(_place(number, kinds[column]) for number, column in enumerate(row, start=1))
    number: int = await connection.fetchval(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) RETURNING id", *row.values()
    )
    return number


def _place(number: int, kind: str) -> str:
    """A parameter as a value of the column's type; times are naive UTC."""
    if kind == "timestamp with time zone":
        return f"${number}::timestamp AT TIME ZONE 'UTC'"
    return f"${number}::{kind}"


async def _verify(connection: asyncpg.Connection, wish: Adjustment, number: int) -> None:
    """After the commit: the row stands, and nobody who read the balance before wrote past it."""
    stored = await connection.fetchval("SELECT total_balance FROM account_balances WHERE id = $1", number)
    # A column of double precision keeps fifteen digits of it.
    if not stored.is_finite() or abs(stored - wish.balance) > wish.balance * ROUNDING_SHARE:
        raise RuntimeError(f"account_balances {number} holds {stored} after the commit, expected {wish.balance}")
    newest = await connection.fetchval(NEWEST, wish.sessions)
    if newest != number:
        log.warning("session %s: balance %s was written right after adjustment %s", wish.session, newest, number)
