"""Four months of a believable past that ends now, the same for the same seed: bots, deploys, a crash, a deposit."""

import asyncio
import csv
import io
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import numpy as np

from monitoring.demo import journal
from monitoring.demo.bot import Bot, Style
from monitoring.demo.desk import Desk, begin, midnight
from monitoring.demo.market import SYMBOLS, Market
from monitoring.demo.records import LONG_AGO, Row, Session
from monitoring.demo.store import ManualTimer, Memory

DAYS = 120
SEED = 4
"""Chosen among many seeds: the account rises modestly, with one visible drawdown and a recovery."""
STEP_SECONDS = 600
CRASHED_HOURS = 3.4

LIVE = Style(
    "LIVE", "ml_sentiment", "1h", SYMBOLS, "binance", Decimal(25_000), slots=3, sizes=(0.16, 0.32),
    config={
        "model": "sentiment_v3", "fee_rate": 0.0004,
        "risk": {"risk_per_trade": 0.02, "max_open_positions": 3, "max_drawdown": 0.2},
    },
)  # fmt: skip
PAPER = Style(
    "PAPER", "ml_basic", "4h", SYMBOLS[:1], "binance", Decimal(10_000), slots=1, sizes=(0.3, 0.5),
    config={"model": "basic_v1", "risk_per_trade": 0.01, "max_open_positions": 1},
    pause_hours=(4, 12), hold_hours=(4, 12, 40), skill=0.55,
)  # fmt: skip
BACKTEST = replace(LIVE, mode="BACKTEST", symbols=SYMBOLS[:2], balance=Decimal(100_000), skill=0.66)
ABANDONED = Style(
    "PAPER", "trend_follower", "4h", SYMBOLS[2:], "kraken", Decimal(300), slots=1, sizes=(0.5, 0.5), config={},
    hold_hours=(9_000, 9_000, 9_000), stop=0.8, target=3.0,
)  # fmt: skip
"""A bot that was abandoned with a position open: on paper, so that no money is at risk and nobody is alarmed."""
RUNNING = (LIVE, PAPER)

DEPLOYS = (0.052, 0.113, 0.173, 0.229, 0.304, 0.379, 0.456, 0.529, 0.603, 0.704, 0.779, 0.854)
"""The times of these, and of the following events, are fractions of the history."""
PAPER_DEPLOYS = (0.55, 0.83)
BAD_SPELL = (0.45, 0.60)
"""The strategy does not suit the market in this time, which makes the drawdown."""
BAD_SKILL_CHANCE = 0.44
ERRORS = (
    ("WARNING", "warning", "connectivity", "Kline stream of BTCUSD silent for 61 s, reconnecting", "WS_RECONNECT"),
    ("ERROR", "error", "data", "No candles for BTCUSD from the exchange: timed out after 30 s", "FEED_TIMEOUT"),
    ("ERROR", "error", "data", "No candles for ETHUSD from the exchange: timed out after 30 s", "FEED_TIMEOUT"),
    ("ERROR", "error", "data", "No candles for BTCUSD from the exchange: timed out after 30 s", "FEED_TIMEOUT"),
    ("WARNING", "info", "connectivity", "Kline stream of BTCUSD recovered", "WS_RECOVERED"),
)

Progress = Callable[[float, str], None]


@dataclass(slots=True)
class Past:
    """Everything that happened so far, and the bots to whom it happened."""

    start: datetime
    days: float
    seed: int
    market: Market
    timer: ManualTimer
    memory: Memory
    bots: list[Bot]
    down_until: datetime = LONG_AGO
    """The first of the bots has crashed."""

    async def play(self, now: datetime) -> None:
        agenda = deque(sorted(self._agenda(), key=lambda entry: entry[0]))
        for step in range(int((now - self.start).total_seconds() - 30) // STEP_SECONDS + 1):
            at = self.start + timedelta(seconds=step * STEP_SECONDS + 1 + step * 7919 % 97 / 10)
            self.timer.at = max(self.timer.at, at)
            self.market.tick()
            while agenda and at >= self.start + timedelta(days=agenda[0][0] * self.days):
                await agenda.popleft()[1]()
            for bot in self.bots:
                if bot.style is not LIVE or at >= self.down_until:
                    bot.skill = self._skill(bot.style, at)
                    await bot.tick()

    def _agenda(self) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        return [
            (0.004, lambda: self._start(LIVE)),
            (0.01, lambda: self._start(ABANDONED)),
            (0.08, lambda: self._stop(ABANDONED)),
            (0.25, lambda: self._start(PAPER)),
            (0.336, lambda: self._bot(LIVE).desk.adjust(Decimal(2_500), "Manual adjustment: monthly deposit", "user")),
            (0.791, self._backtest),
            (0.892, self._correct),
            (0.915, self._crash),
            (0.963, self._suffer),
            *((fraction, lambda: self._deploy(LIVE)) for fraction in DEPLOYS),
            *((fraction, lambda: self._deploy(PAPER)) for fraction in PAPER_DEPLOYS),
        ]

    def _skill(self, style: Style, at: datetime) -> float:
        progress = (at - self.start) / timedelta(days=self.days)
        return BAD_SKILL_CHANCE if style is LIVE and BAD_SPELL[0] <= progress < BAD_SPELL[1] else style.skill

    def _bot(self, style: Style) -> Bot:
        return next(bot for bot in self.bots if bot.style is style)

    async def _start(self, style: Style) -> None:
        desk = await begin(self.memory, self.timer, opening(style, style.balance), style.config)
        random = np.random.default_rng([self.seed, len(self.bots) + 1])
        self.bots.append(Bot(style, desk, self.market, random))

    async def _stop(self, style: Style) -> None:
        bot = self._bot(style)
        await bot.desk.end()
        self.bots.remove(bot)

    async def _deploy(self, style: Style) -> None:
        """A clean stop, and a start of the next session within a minute or two."""
        bot = self._bot(style)
        await bot.desk.end()
        await self.timer.sleep(float(bot.random.uniform(40, 130)))
        before: Desk = bot.desk
        bot.desk = await begin(self.memory, self.timer, opening(style, before.balance), style.config, before)

    async def _crash(self) -> None:
        """The process dies and comes back hours later, to the same session."""
        self.down_until = self.timer.at + timedelta(hours=CRASHED_HOURS)
        self._bot(LIVE).desk.realized = Decimal(0)

    async def _correct(self) -> None:
        desk = self._bot(LIVE).desk
        old, reason = desk.balance, "margin_equity_sync_correction"
        await desk.adjust(Decimal("-11.37"), reason, "system")
        row = journal.reconciled(desk.info, self.timer.now(), "balance", "total_balance", old, desk.balance, reason)
        await self.memory.add("reconciliation_audit_events", row)

    async def _suffer(self) -> None:
        """An episode of errors, within minutes."""
        info, at = self._bot(LIVE).desk.info, self.timer.now()
        for number, (kind, severity, component, text, code) in enumerate(ERRORS):
            moment = at + timedelta(seconds=47 * number)
            await self.memory.add(
                "system_events", journal.event(info, moment, kind, severity, component, text, code=code)
            )

    async def _backtest(self) -> None:
        """A fortnight of trades on other prices, computed within seconds; it leaves its session and its trades."""
        end = self.timer.now()
        other = new_past(midnight(end) - timedelta(days=14), 14, self.seed + 1)
        desk = await begin(other.memory, other.timer, opening(BACKTEST, BACKTEST.balance), BACKTEST.config)
        bot = Bot(BACKTEST, desk, other.market, np.random.default_rng([self.seed, 9]), skill=BACKTEST.skill)
        for step in range(14 * 86_400 // STEP_SECONDS):
            other.timer.at = max(other.timer.at, other.start + timedelta(seconds=step * STEP_SECONDS))
            other.market.tick()
            await bot.tick()
        await desk.end()
        [session] = other.memory.tables["trading_sessions"]
        times = {"start_time": end, "created_at": end, "end_time": end + timedelta(seconds=9), "updated_at": end}
        number = await self.memory.add("trading_sessions", _without_id(session) | times)
        for row in other.memory.tables["trades"]:
            own = {"session_id": number, "position_id": None, "created_at": end, "updated_at": end}
            await self.memory.add("trades", _without_id(row) | own)


def _without_id(row: Row) -> Row:
    return {column: value for column, value in row.items() if column != "id"}


def opening(style: Style, balance: Decimal) -> Session:
    """A session of the style that is about to begin."""
    return Session(0, style.mode, style.strategy, style.timeframe, style.symbols, style.exchange, LONG_AGO, balance)


def new_past(start: datetime, days: float, seed: int) -> Past:
    market = Market({}, np.random.default_rng(seed), STEP_SECONDS)
    return Past(start, days, seed, market, ManualTimer(start), Memory(), [])


def invent(now: datetime, days: int = DAYS, seed: int = SEED) -> dict[str, list[Row]]:
    """The rows of every table, oldest first. ``days`` whole ones and today's hours until ``now`` (naive UTC)."""
    past = new_past(midnight(now) - timedelta(days=days), days, seed)
    asyncio.run(past.play(now))
    flag = {"id": 1, "name": "system_halt", "active": False, "source": "cli:operator", "created_at": past.start}
    return past.memory.tables | {"system_control_flags": [flag]}


async def seed_history(
    connection: asyncpg.Connection, now: datetime, progress: Progress, *, days: int = DAYS, seed: int = SEED
) -> None:
    """All of the past or none of it; ``connection`` belongs to a superuser, ``now`` is naive UTC."""
    progress(0.0, "inventing the past")
    tables = await asyncio.to_thread(invent, now, days, seed)
    async with connection.transaction():
        # Foreign keys hold by construction; checking each costs more than everything else.
        await connection.execute("SET LOCAL session_replication_role = replica")
        for number, (table, rows) in enumerate(tables.items()):
            progress(0.6 + 0.3 * number / len(tables), f"writing {table.replace('_', ' ')}")
            await _copy(connection, table, rows)
    progress(0.95, "gathering statistics")
    await connection.execute("ANALYZE")


async def _copy(connection: asyncpg.Connection, table: str, rows: Sequence[Row]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    csv.writer(text).writerows([row.get(column) for column in columns] for row in rows)
    source = io.BytesIO(text.getvalue().encode())
    await connection.copy_to_table(table, source=source, columns=columns, format="csv")
    await connection.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
