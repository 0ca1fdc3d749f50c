"""What the books hold besides closed trades: partial exits and fees of open positions, flows and corrections."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import NamedTuple

from monitoring.database.capabilities import Capabilities
from monitoring.database.source import Source
from monitoring.metrics.facts import Account
from monitoring.metrics.money import Books
from monitoring.projections.times import epoch
from monitoring.sections.account_rows import read_account
from monitoring.sections.position_rows import read_exits, read_positions
from monitoring.sections.section import Reading

ENTRIES_OF = """position_id = ANY($1::bigint[]) AND order_type::text IN ('ENTRY', 'SCALE_IN')
  AND status::text IN ('FILLED', 'CONFIRMED')"""
"""SQL: the filled orders that opened or enlarged some positions."""
ENTRY_FEES = f"""
SELECT coalesce(sum(fee) FILTER (WHERE fee <> 'NaN'), 0) FROM (
    SELECT coalesce({{actual}}, {{planned}}) AS fee FROM orders WHERE {ENTRIES_OF}
) fees
"""
FEES = f"""
SELECT position_id::bigint AS position, created_at AS at, -coalesce({{actual}}, {{planned}})::float8 AS amount
FROM orders WHERE {ENTRIES_OF} AND created_at IS NOT NULL
"""
EXITS = """
SELECT position_id::bigint AS position, timestamp AS at, {pnl}::float8 AS amount FROM partial_trades
WHERE position_id = ANY($1::bigint[]) AND operation_type::text = 'PARTIAL_EXIT' AND timestamp IS NOT NULL
"""


class Booked(NamedTuple):
    """What was booked of a position before it was closed: an entry fee (negative), or P&L of a partial exit."""

    position: int
    at: datetime
    amount: float
    is_fee: bool


async def read_booked(reading: Reading, positions: Sequence[int]) -> list[Booked]:
    """Entry fees and partial exits of some positions, but for those of an unknown amount."""
    found: list[Booked] = []
    for query, is_fee in booked_queries(reading.capabilities) if positions else ():
        rows = await reading.connection.fetch(query, positions)
        known = (row for row in rows if row["amount"] is not None and isfinite(row["amount"]))
        found += [Booked(row["position"], row["at"], row["amount"], is_fee) for row in known]
    return found


def booked_queries(capabilities: Capabilities) -> Iterator[tuple[str, bool]]:
    """SQL of position, at and amount, by ids of positions; each with whether it is of fees."""
    if capabilities.has("orders", "position_id", "order_type", "status", "created_at"):
        columns = {name: capabilities.column("orders", name, "numeric") for name in ("actual_commission", "commission")}
        yield FEES.format(actual=columns["actual_commission"], planned=columns["commission"]), True
    if capabilities.has("partial_trades", "position_id", "operation_type", "timestamp", "pnl"):
        yield EXITS.format(pnl=capabilities.column("partial_trades", "pnl", "numeric")), False


async def read_books(reading: Reading) -> Books | None:
    """None where the history, the flows or the positions cannot be read."""
    return await books_of(reading, await read_account(reading))


async def books_of(reading: Reading, account: Account) -> Books | None:
    """The same where the account is known already."""
    state, capabilities = reading.state, reading.capabilities
    if not state.positions.counted or not state.history.flows_known:
        return None
    moved = await _moved(reading, account)
    if not state.positions.open_ids:
        return Books(moved, Decimal(0), Decimal(0), Decimal(0))
    rows = await read_positions(reading.connection, capabilities, state.positions.open_ids)
    exits = await read_exits(reading.connection, capabilities, rows)
    fees = await _entry_fees(reading, capabilities)
    return Books(moved, fees, *_sums(exits))


async def _moved(reading: Reading, account: Account) -> Decimal:
    """The flows and corrections that the newest balance holds; 0 where that is not known."""
    state = reading.state
    if account.balance is None or account.balance_at is None:
        return Decimal(0)
    source = Source(reading.connection, reading.capabilities)
    return await state.history.moved(source, state.session.ids, epoch(account.balance_at), float(account.balance))


def _sums(exits: Mapping[int, list[tuple[Decimal | None, bool]]]) -> tuple[Decimal, Decimal | None]:
    """What was written of all exits, and what was not but can be computed; None where that cannot be."""
    found = [exit for of_position in exits.values() for exit in of_position]
    written = sum((pnl for pnl, is_written in found if is_written and pnl is not None), Decimal(0))
    computed = [pnl for pnl, is_written in found if not is_written]
    known = [pnl for pnl in computed if pnl is not None]
    return written, sum(known, Decimal(0)) if len(known) == len(computed) else None


async def _entry_fees(reading: Reading, capabilities: Capabilities) -> Decimal:
    if not capabilities.has("orders", "position_id", "order_type", "status"):
        return Decimal(0)
    columns = {name: capabilities.column("orders", name, "numeric") for name in ("actual_commission", "commission")}
    query = ENTRY_FEES.format(actual=columns["actual_commission"], planned=columns["commission"])
    fees: Decimal = await reading.connection.fetchval(query, reading.state.positions.open_ids)
    return fees
