"""Closed trades as rows: found in memory as far as they can be, then read by id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import isnan, nan
from typing import Any

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.metrics.position_row import excursion
from monitoring.projections import ScopeState
from monitoring.projections.trade_filter import TradeFilter, TradePlace
from monitoring.projections.trades import NEEDS
from monitoring.sections.position_rows import clean, lower
from monitoring.sections.trade_query import search, select_trades


@dataclass(frozen=True, slots=True)
class Trade:
    """One closed trade; ``net_pnl`` is what was really earned, ``pnl`` is before costs."""

    row: Mapping[str, Any]
    r: float | None = None
    """Net P&L ÷ what was at risk until the first stop; None where that is unknown."""

    @property
    def side(self) -> str | None:
        return lower(self.row["side"])

    @property
    def net_pnl(self) -> Decimal | None:
        value = self.row["net_pnl"]
        return value if isinstance(value, Decimal) else None

    @property
    def duration(self) -> timedelta | None:
        entered: datetime | None = self.row["entry_time"]
        return None if entered is None else self.row["exit_time"] - entered

    def place(self, wanted: TradeFilter) -> TradePlace:
        """Where it stands in the wanted order."""
        amounts = {"net": self.net_pnl, "r": self.r, "seconds": self.row["seconds"]}
        amount = amounts.get(wanted.amount or "")
        at = self.row["exit_time"], self.row["id"]
        return TradePlace(*at) if wanted.amount is None else TradePlace(*at, nan if amount is None else float(amount))

    @property
    def mfe(self) -> float | None:
        return excursion(self.row, "mfe")

    @property
    def mae(self) -> float | None:
        return excursion(self.row, "mae")


async def read_trades(
    connection: asyncpg.Connection, capabilities: Capabilities, state: ScopeState, wanted: TradeFilter
) -> list[Trade]:
    """The wanted trades of the scope. Raises TableMissing."""
    capabilities.require_columns("trades", *NEEDS)
    if state.trades.selects(wanted):
        await state.trades.prepare(wanted)
        found = await trades_by_id(connection, capabilities, state.trades.select(wanted))
    else:
        query, arguments = search(capabilities, state.session.ids, wanted)
        found = [Trade(clean(row)) for row in await connection.fetch(query, *arguments)]
    return [replace(trade, r=_r(trade.row, state)) for trade in found]


def _r(row: Mapping[str, Any], state: ScopeState) -> float | None:
    known = row["r"] if "r" in row else state.trades.r(row["exit_time"], row["id"])
    return None if known is None or isnan(known) else float(known)


async def trades_by_id(connection: asyncpg.Connection, capabilities: Capabilities, ids: Sequence[int]) -> list[Trade]:
    """Trades in the order of their ids; those that are gone are left out."""
    if not ids:
        return []
    rows = await connection.fetch(f"{select_trades(capabilities)} WHERE id = ANY($1::bigint[])", ids)
    found = {row["id"]: Trade(clean(row)) for row in rows}
    return [found[number] for number in ids if number in found]
