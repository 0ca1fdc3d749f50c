"""The books of one running session: every change as the engine writes it, in its order and with its delays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from monitoring.demo import journal, records
from monitoring.demo.money import ZERO, Closing, Excursion, Holding, exact, fee
from monitoring.demo.records import Row, Session
from monitoring.demo.store import Store, Timer

FILL_SECONDS = 0.13
CARRY_SECONDS = 0.7
"""How long after a restart's commit its open positions are re-pointed."""


@dataclass(slots=True)
class Desk:
    """The state of a session, kept in step with where it is written."""

    store: Store
    timer: Timer
    info: Session
    balance: Decimal
    peak: Decimal
    day: datetime
    day_start: Decimal
    """The balance at the day's first snapshot."""
    holdings: list[Holding] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    """The trading session that it belongs to."""
    realized: Decimal = ZERO
    """The net result since the process began."""

    @property
    def drawdown(self) -> float:
        return float((self.peak - self.balance) / self.peak)

    @property
    def at_exchange(self) -> bool:
        """Whether orders rest there: paper trading simulates its stops."""
        return self.info.mode == "LIVE"

    async def log(self, row: Row) -> None:
        await self.store.add("system_events", row)

    async def enter(self, asked: Holding, price: Decimal, decision: Row) -> None:
        """Journals an entry order, sends it, and has a position, its stop and its fee once it is filled."""
        order_id = await self._send(asked, "ENTRY", asked.quantity, asked.entry_price)
        holding = _filled(asked, price, self.balance, self.timer.now())
        async with self.store.transaction():
            holding.id = await self.store.add("positions", records.position(self.info, holding))
            fill = records.filled(price, holding.quantity, holding.opened)
            exchange = {"position_id": holding.id, "exchange_order_id": records.exchange_id(holding.opened)}
            await self.store.change("orders", order_id, fill | exchange)
            holding.orders.append(order_id)
            await self.store.add("strategy_executions", decision)
            await self._book(-holding.fees, f"entry_fee_{holding.symbol}")
            await self._rest_stop(holding)
        self.holdings.append(holding)

    async def refuse(self, asked: Holding) -> None:
        """Writes an entry order that the exchange rejects."""
        order_id = await self._send(asked, "ENTRY", asked.quantity, asked.entry_price)
        at = self.timer.now()
        await self.store.change("orders", order_id, {"status": "FAILED", "last_update": at})
        text = f"Entry order for {asked.symbol} rejected: insufficient balance"
        await self.log(journal.event(self.info, at, "ERROR", "error", "execution", text, code="ENTRY_ORDER_FAILED"))

    async def take_part(self, holding: Holding, price: Decimal, quantity: Decimal) -> None:
        before = holding.banked
        order_id = await self._send(holding, "PARTIAL_EXIT", quantity, price)
        async with self.store.transaction():
            at = self.timer.now()
            booked = holding.take_part(price, quantity)
            await self.store.change("orders", order_id, records.filled(price, quantity, at))
            holding.orders.append(order_id)
            row = records.partial(holding, at, price, quantity, holding.banked - before)
            await self.store.add("partial_trades", row)
            await self.store.change("positions", holding.id, records.taken(holding) | {"last_update": at})
            await self._book(booked, f"realized_pnl_{holding.symbol}_partial_exit")
            await self._replace_stop(holding)

    async def trail(self, holding: Holding, stop: Decimal) -> None:
        holding.stop = stop
        async with self.store.transaction():
            await self.store.change("positions", holding.id, records.trailed(holding))
            await self._replace_stop(holding)

    async def leave(self, holding: Holding, price: Decimal, reason: str, decision: Row) -> None:
        """Cancels the stop and sells what is left; by the stop itself where that was hit."""
        stopped = reason == "Stop loss"
        if not stopped:
            order_id = await self._send(holding, "FULL_EXIT", holding.left, price)
        async with self.store.transaction():
            at = self.timer.now()
            sale = records.filled(price, holding.left, at)
            if self.at_exchange:
                await self.store.change("orders", holding.stop_order, sale if stopped else records.cancelled(at))
            if not stopped:
                await self.store.change("orders", order_id, sale)
            closing = holding.close(price, at)
            await self.store.add("strategy_executions", decision)
            await self._book(closing.booked, f"realized_pnl_{holding.symbol}_{reason}")
            await self.store.add("trades", records.trade(self.info, holding, closing, reason))
            await self.store.change("positions", holding.id, records.closed(holding, closing))
            await self._sum_up_the_day(closing)
        self.holdings.remove(holding)
        self.realized += closing.net

    async def mark(self, prices: Mapping[str, Decimal]) -> None:
        """Renews price and result of every open position."""
        at = self.timer.now()
        async with self.store.transaction():
            for holding in self.holdings:
                price = prices[holding.symbol]
                holding.excursion.see(holding.side, price, at)
                await self.store.change("positions", holding.id, records.mark(holding, price, at))

    async def snapshot(self, prices: Mapping[str, Decimal]) -> None:
        at = self.timer.now()
        self._take_over(await self.store.balance(self.info.id))
        today = midnight(at)
        if today != self.day:
            self.day, self.day_start = today, self.balance
        row = journal.snapshot(
            self.info,
            at,
            balance=self.balance,
            equity=self.balance + sum(holding.unrealized(prices[holding.symbol]) for holding in self.holdings),
            total_pnl=self.realized,
            daily_pnl=self.balance - self.day_start,
            drawdown=(self.peak - self.balance) / self.peak * 100,
            open_positions=len(self.holdings),
            exposure=exact(sum((holding.left * holding.entry_price for holding in self.holdings), ZERO)),
        )
        await self.store.add("account_history", row)

    async def adjust(self, change: Decimal, reason: str, by: str) -> None:
        """Sets the balance without booking it: a deposit, or a correction. No audit row is written."""
        at, old = self.timer.now(), self.balance
        async with self.store.transaction():
            self._take_over(old + change)
            await self.store.add("account_balances", journal.balance(self.info, at, self.balance, reason, by))
            details = {"old_balance": float(old), "new_balance": float(self.balance), "reason": reason}
            text = f"Balance adjusted from ${old:.2f} to ${self.balance:.2f}: {reason}"
            await self.log(
                journal.event(self.info, at, "BALANCE_ADJUSTMENT", "info", "database", text, details=details)
            )

    async def end(self) -> None:
        """A clean stop: open positions stay with the session until the next one takes them over."""
        at = self.timer.now()
        await self.store.change("trading_sessions", self.info.id, records.ended(self.closings, self.balance, at))
        await self.log(journal.stopped(self.info, self.timer.now(), len(self.closings)))

    async def carry(self, holdings: Sequence[Holding]) -> None:
        """Takes over, a moment after the session began, what an earlier one left open."""
        if not holdings:
            return
        await self.timer.sleep(CARRY_SECONDS)
        async with self.store.transaction():
            for holding in holdings:
                await self.store.change("positions", holding.id, {"session_id": self.info.id})
                for order_id in holding.orders:
                    await self.store.change("orders", order_id, {"session_id": self.info.id})
        self.holdings.extend(holdings)

    async def _send(self, holding: Holding, kind: str, quantity: Decimal, price: Decimal) -> int:
        """Writes an order to the journal; a moment later the exchange has it."""
        row = records.order(self.info, holding, kind, "PENDING_SUBMIT", quantity, price, self.timer.now())
        order_id = await self.store.add("orders", row)
        await self.timer.sleep(FILL_SECONDS)
        return order_id

    async def _rest_stop(self, holding: Holding) -> None:
        if self.at_exchange:
            at = self.timer.now()
            row = records.order(self.info, holding, "STOP_LOSS", "SUBMITTED", holding.left, holding.stop, at)
            holding.stop_order = await self.store.add("orders", row)
            holding.orders.append(holding.stop_order)

    async def _replace_stop(self, holding: Holding) -> None:
        if self.at_exchange:
            await self.store.change("orders", holding.stop_order, records.cancelled(self.timer.now()))
            await self._rest_stop(holding)

    async def _book(self, change: Decimal, reason: str) -> None:
        """Writes the new balance and its audit row in one transaction."""
        self._take_over(await self.store.balance(self.info.id) + change)
        # Both rows are stamped before either is written, as the engine does: a slow write must not part them.
        row = journal.balance(self.info, self.timer.now(), self.balance, reason, "live_engine")
        twin = journal.audit(self.info, self.timer.now(), self.balance, change)
        await self.store.add("account_balances", row)
        await self.store.add("account_history", twin)

    def _take_over(self, balance: Decimal) -> None:
        self.balance = balance
        self.peak = max(self.peak, balance)

    async def _sum_up_the_day(self, closing: Closing) -> None:
        self.closings.append(closing)
        day = midnight(closing.at)
        today = [each for each in self.closings if each.at >= day]
        await self.store.sum_up(journal.daily(self.info, day, closing.at, today))


async def begin(store: Store, timer: Timer, info: Session, config: object, before: Desk | None = None) -> Desk:
    """A new session with ``info``'s balance; ``before`` is the one it follows, whose positions it takes over."""
    started = timer.now()
    info = replace(info, started=started)
    info = replace(info, id=await store.add("trading_sessions", records.session(info, config)))
    await store.add("account_balances", journal.balance(info, timer.now(), info.balance, "session_start", "system"))
    day, day_start, peak = midnight(started), info.balance, info.balance
    if before:
        peak = max(peak, before.peak)
        day_start = before.day_start if before.day == day else day_start
    desk = Desk(store, timer, info, info.balance, peak, day, day_start)
    await desk.log(journal.started(info, timer.now()))
    await desk.carry(before.holdings if before else ())
    return desk


def midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _filled(asked: Holding, price: Decimal, balance: Decimal, at: datetime) -> Holding:
    return replace(
        asked,
        entry_price=price,
        size=exact(asked.quantity * price / balance),
        balance=balance,
        opened=at,
        excursion=Excursion(price, at, price, at),
        fees=fee(price, asked.quantity),
    )
