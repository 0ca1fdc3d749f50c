"""R of a trade is its result over what its first stop put at risk, whenever that becomes known."""

import random
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from math import isnan, nan
from typing import Any

import asyncpg
import pytest

from monitoring.changes import chunk_sums
from monitoring.projections.trades import NO_SESSION_ID
from tests.clocks import AN_AFTERNOON, ManualClock
from tests.projections.reading import Follower, follower_of, refreshed
from tests.projections.row_changes import COUNTED
from tests.rows import insert

DEEDS = 60
LOOK_EVERY = 5
BALANCES = (("account_history", "timestamp", "balance"), ("account_balances", "last_updated", "total_balance"))
PRICES = (None, Decimal(0), Decimal("NaN"), Decimal(90), Decimal(95), Decimal(100), Decimal(110), Decimal(120))
ODD_QUANTITIES = (None, Decimal(0), Decimal("NaN"), Decimal("0.5"), Decimal(2))


async def plain_rs(connection: asyncpg.Connection) -> dict[int, float]:
    """By trade, NaN where it is unknown: one rule after the other, over all rows."""
    tables = ("trades", "positions", "orders", "account_history", "account_balances", "trading_sessions")
    rows = {table: await connection.fetch(f"SELECT * FROM {table} ORDER BY id") for table in tables}
    return {trade["id"]: plain_r(trade, rows) for trade in rows["trades"]}


def plain_r(trade: asyncpg.Record, rows: Mapping[str, list[Any]]) -> float:
    position = next((row for row in rows["positions"] if row["id"] == trade["position_id"]), None)
    orders = [row for row in rows["orders"] if position is not None and row["position_id"] == position["id"]]
    stops = [row for row in orders if row["order_type"] == "STOP_LOSS" and positive(row["price"])]
    first = min(stops, key=lambda row: (row["created_at"], row["id"]), default=None)
    sources = [first and first["price"], position and position["stop_loss"], trade["stop_loss"]]
    stop = next((price for price in sources if positive(price)), None)
    net = trade["pnl"] - (trade["commission"] or 0) - (trade["margin_interest_cost"] or 0)
    if stop is None or net.is_nan():
        return nan
    distance = trade["entry_price"] - stop if trade["side"] == "LONG" else stop - trade["entry_price"]
    return float(net / (distance * quantity(trade, position, rows))) if distance > 0 else nan


def quantity(trade: asyncpg.Record, position: Any, rows: Mapping[str, list[Any]]) -> Decimal:
    if positive(trade["quantity"]):
        return trade["quantity"]
    booked = [(row[column], rank, row["id"], row[balance])
              for rank, (table, column, balance) in enumerate(BALANCES) for row in rows[table]
              if row["session_id"] == trade["session_id"] and row[column] <= trade["entry_time"]]  # fmt: skip
    initial = next(row["initial_balance"] for row in rows["trading_sessions"] if row["id"] == trade["session_id"])
    newest = max(booked)[-1] if booked else initial
    known = position is not None and positive(position["entry_balance"])
    return abs(trade["size"]) * (position["entry_balance"] if known else newest) / trade["entry_price"]


def positive(amount: Decimal | None) -> bool:
    return amount is not None and not amount.is_nan() and amount > 0


def shown_rs(follower: Follower) -> dict[int, float]:
    tables = follower.trades.tables.values()
    return {number: r for table in tables for number, r in zip(table["id"].tolist(), table["r"].tolist(), strict=True)}


class Bot:
    """Positions, stops and trades at random, in any order, and corrected afterwards."""

    def __init__(self, connection: asyncpg.Connection, session: int, seed: int) -> None:
        self.connection = connection
        self.session = session
        self.dice = random.Random(seed)

    async def act(self) -> None:
        ways = (self.open, self.trade, self.trade, self.order, self.order, self.change_position, self.change_order,
                self.book)  # fmt: skip
        await self.dice.choice(ways)()

    async def open(self) -> None:
        status = self.dice.choice(("OPEN", "CLOSED"))
        await insert(self.connection, "positions", session_id=self.session, status=status, entry_price=100,
                     stop_loss=self.dice.choice(PRICES),
                     entry_balance=self.dice.choice((None, 0, 1500)))  # fmt: skip

    async def trade(self) -> None:
        entered = AN_AFTERNOON + timedelta(minutes=self.dice.randint(0, 600))
        await insert(self.connection, "trades", session_id=self.session, position_id=await self._some("positions"),
                     side=self.dice.choice(("LONG", "SHORT")), entry_price=100, size=Decimal("-0.3"), commission=2,
                     quantity=self.dice.choice(ODD_QUANTITIES), pnl=self.dice.choice((-7, 0, 12, Decimal("NaN"))),
                     stop_loss=self.dice.choice(PRICES), entry_time=entered,
                     exit_time=entered + timedelta(hours=1))  # fmt: skip

    async def order(self) -> None:
        made = AN_AFTERNOON + timedelta(minutes=self.dice.randint(0, 3))
        await insert(self.connection, "orders", session_id=self.session, position_id=await self._some("positions"),
                     order_type=self.dice.choice(("STOP_LOSS", "ENTRY")), price=self.dice.choice(PRICES),
                     status=self.dice.choice(("PENDING", "FILLED")), created_at=made)  # fmt: skip

    async def change_position(self) -> None:
        await self._change("positions", "stop_loss = $2", self.dice.choice(PRICES))

    async def change_order(self) -> None:
        await self._change("orders", "price = $2, status = 'CANCELLED'", self.dice.choice(PRICES))

    async def book(self) -> None:
        """Late, perhaps: after trades that were entered at this balance."""
        at, balance = AN_AFTERNOON + timedelta(minutes=self.dice.randint(0, 700)), self.dice.randint(900, 1500)
        if self.dice.random() < 0.5:
            await insert(self.connection, "account_history", session_id=self.session, timestamp=at, balance=balance)
        else:
            await insert(self.connection, "account_balances", session_id=self.session, last_updated=at,
                         total_balance=balance, update_reason="trade_exit")  # fmt: skip

    async def _some(self, table: str) -> int | None:
        ids = [row["id"] for row in await self.connection.fetch(f"SELECT id FROM {table} ORDER BY id")]
        return self.dice.choice([None, *ids])

    async def _change(self, table: str, change: str, value: Decimal | None) -> None:
        await self.connection.execute(f"UPDATE {table} SET {change} WHERE id = $1", await self._some(table), value)
        await self.connection.execute(COUNTED)


@pytest.mark.parametrize("seed", range(6))
async def test_r_follows_stops_and_positions(
    connection: asyncpg.Connection, session: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", 3)
    await insert(connection, "account_balances", session_id=session, total_balance=1100,
                 last_updated=AN_AFTERNOON + timedelta(hours=3), update_reason="trade_exit")  # fmt: skip
    bot = Bot(connection, session, seed)
    hands = ManualClock()
    fed = await follower_of(connection, session, hands.clock)
    for number in range(DEEDS):
        await bot.act()
        source = await fed.poll(connection)
        if bot.dice.random() < 0.1:
            fed.forget("trades")
        await fed.advance(source)
        if number % LOOK_EVERY == 0:
            hands.forward(hours=1)
            await fed.look_back(connection)
            await refreshed(connection, fed)
            assert shown_rs(fed) == pytest.approx(await plain_rs(connection), rel=1e-6, nan_ok=True)
    assert not all(map(isnan, shown_rs(fed).values()))
    assert NO_SESSION_ID not in fed.projections.trades.states
