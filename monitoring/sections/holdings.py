"""What the account holds: its currency, and the coins that its newest booking lists."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import asyncpg

from monitoring.database.capabilities import Columns
from monitoring.metrics.holdings import Holding, coins
from monitoring.scope import json_object
from monitoring.sections.account_rows import known, read_booking
from monitoring.sections.section import Context, Section

BOOKING: Columns = {
    "id": "bigint",
    "base_currency": "text",
    "total_balance": "numeric",
    "available_balance": "numeric",
    "reserved_balance": "numeric",
    "asset_balances": "text",
    "last_updated": "timestamp",
}
MAX_SHOWN_COUNT = 30


@dataclass(frozen=True, slots=True)
class HoldingsView:
    money: Holding | None
    """Of the account's currency; None while nothing is booked."""
    coins: tuple[Holding, ...]
    """Those that are short of first."""
    booked_at: datetime | None

    @property
    def shown(self) -> tuple[Holding, ...]:
        return self.coins[:MAX_SHOWN_COUNT]

    @property
    def short(self) -> tuple[str, ...]:
        """Coins of which there is less than the open positions hold."""
        return tuple(coin.asset for coin in self.coins if coin.is_short)


async def load(context: Context) -> HoldingsView:
    booked = await read_booking(context, BOOKING)
    if booked is None:
        return HoldingsView(None, (), None)
    currency = booked["base_currency"] or ""
    found = coins(json_object(booked["asset_balances"]), currency, context.facts.positions or ())
    return HoldingsView(_money(booked, currency), tuple(found), booked["last_updated"])


def _money(booked: asyncpg.Record, currency: str) -> Holding:
    total, free, reserved = (known(booked[name]) for name in ("total_balance", "available_balance", "reserved_balance"))
    locked = reserved or (total - free if total is not None and free is not None else None)
    return Holding(currency, free, locked if locked and locked > Decimal(0) else None, total)


SECTION = Section("holdings", "What the account holds", load, needs=("account_balances",), ticks=60.0)
