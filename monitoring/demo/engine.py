"""The simulated engine: a live bot in small, which trades a made-up market and writes as the real one does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime

import asyncpg
import numpy as np

from monitoring.demo import journal, story
from monitoring.demo.desk import Clock, Desk
from monitoring.demo.market import Market
from monitoring.demo.resume import resume
from monitoring.demo.trader import Trader

log = logging.getLogger(__name__)

Range = tuple[float, float]
CONNECTION_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
COMMAND_SECONDS = 5.0
RETRY_SECONDS = 1.0
RISK_FACTORS = (0.7, 0.8, 0.9, 1.0)

RENEW_CORRELATIONS = """
UPDATE correlation_matrix SET last_updated = $1,
    correlation_value = greatest(0.3, least(0.97, correlation_value + ((random() - 0.5) * 0.02)::numeric))
"""
RENEW_EXPOSURES = """
UPDATE portfolio_exposures e SET last_updated = $1, total_exposure = held.exposure, position_count = held.positions
FROM (SELECT g.id, coalesce(sum(p.quantity * p.current_size / p.original_size * p.entry_price), 0) AS exposure,
             count(p.id) AS positions
      FROM portfolio_exposures g
      LEFT JOIN positions p ON p.status = 'OPEN' AND p.session_id = $2 AND g.symbols ? p.symbol
      GROUP BY g.id) held
WHERE held.id = e.id
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between things, from and to."""

    tick: Range = (1.0, 1.0)
    """The market moves and open positions are priced."""
    snapshot: Range = (2.0, 5.0)
    enter: Range = (8.0, 15.0)
    look: Range = (6.0, 12.0)
    """The strategy logs what it sees."""
    heartbeat: Range = (60.0, 60.0)
    remark: Range = (60.0, 180.0)
    failure: Range = (500.0, 1_000.0)
    risk: Range = (90.0, 240.0)
    lesson: Range = (60.0, 60.0)
    portfolio: Range = (45.0, 75.0)

    def scaled(self, factor: float) -> "Pace":
        """The same life, quicker (below 1) or slower."""
        changed = {}
        for each in fields(self):
            low, high = getattr(self, each.name)
            changed[each.name] = (low * factor, high * factor)
        return replace(self, **changed)


def utc_now() -> datetime:
    """Naive, as the engine's columns are."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(slots=True)
class Engine:
    """Does everything in its time on one connection, one thing after the other."""

    desk: Desk
    trader: Trader
    pace: Pace
    generator: np.random.Generator
    factor: float = 1.0
    _due: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled or the connection is lost."""
        actions: dict[str, Callable[[], Awaitable[object]]] = {
            "tick": self.trader.tick,
            "snapshot": self.trader.snapshot,
            "enter": self.trader.enter,
            "look": self.trader.look,
            "heartbeat": self._heartbeat,
            "remark": self._remark,
            "failure": self._fail,
            "risk": self._adjust_risk,
            "lesson": self._learn,
            "portfolio": self._renew_portfolio,
        }
        time = asyncio.get_running_loop().time
        for name in actions:
            self._due[name] = time() + self._wait(name) * float(self.generator.random())
        while True:
            name = min(self._due, key=self._due.__getitem__)
            await asyncio.sleep(max(0.0, self._due[name] - time()))
            await actions[name]()
            self._due[name] = time() + self._wait(name)

    def _wait(self, name: str) -> float:
        return float(self.generator.uniform(*getattr(self.pace, name)))

    async def _heartbeat(self) -> None:
        text = f"Alive: {len(self.desk.holdings)} positions open, balance {self.desk.balance:.2f}"
        await self.desk.add(
            "system_events",
            journal.event(self.desk.info, self.desk.clock(), "HEARTBEAT", "info", "health_monitor", text),
        )

    async def _remark(self) -> None:
        await self.desk.add("system_events", story.remark(self.desk.info, self.desk.clock(), self.generator))

    async def _fail(self) -> None:
        await self.desk.add("system_events", story.failure(self.desk.info, self.desk.clock(), self.generator))

    async def _adjust_risk(self) -> None:
        self.factor = float(self.generator.choice([factor for factor in RISK_FACTORS if factor != self.factor]))
        row = journal.risk_adjustment(self.desk.info, self.desk.clock(), self.factor, self.desk.drawdown)
        await self.desk.add("risk_adjustments", row)

    async def _learn(self) -> None:
        desk = self.desk
        row = story.lessons(desk.info, tuple(desk.closings), desk.clock(), desk.drawdown, self.factor)
        await desk.add("dynamic_performance_metrics", row)

    async def _renew_portfolio(self) -> None:
        async with self.desk.connection.transaction():
            at = self.desk.clock()
            await self.desk.connection.execute(RENEW_CORRELATIONS, at)
            await self.desk.connection.execute(RENEW_EXPOSURES, at, self.desk.info.id)


async def run_engine(
    url: str, *, pace: Pace | None = None, clock: Clock = utc_now, generator: np.random.Generator | None = None
) -> None:
    """Trades until cancelled; where the database goes away it waits, and goes on from what it finds there."""
    generator = generator or np.random.default_rng()
    market: Market | None = None
    while True:
        try:
            async with _connected(url) as connection:
                desk = await resume(connection, clock)
                await _announce(desk, after_outage=market is not None)
                market = market or Market(desk.prices, generator)
                await Engine(desk, Trader(desk, market, generator), pace or Pace(), generator).run()
        except CONNECTION_ERRORS as error:
            log.warning("the demo's engine lost its database and tries again: %s", error or type(error).__name__)
        except Exception:
            # A mistake in the demo must not end the dashboard that shows it.
            log.exception("the demo's engine failed and starts again")
        await asyncio.sleep(RETRY_SECONDS)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    settings = {"timezone": "UTC", "application_name": "demo-engine"}
    connection = await asyncpg.connect(
        url, timeout=COMMAND_SECONDS, command_timeout=COMMAND_SECONDS, server_settings=settings
    )
    try:
        yield connection
    finally:
        # Whatever was under way is rolled back by the server.
        connection.terminate()


async def _announce(desk: Desk, *, after_outage: bool) -> None:
    at = desk.clock()
    if after_outage:
        row = journal.event(
            desk.info, at, "WARNING", "warning", "database", "Connection to the database lost and restored",
            code="DB_RECONNECT",
        )  # fmt: skip
    else:
        away = at.replace(microsecond=0) - (desk.last_seen or at).replace(microsecond=0)
        text = f"Trading engine resumed the session after {away} offline"
        row = journal.event(desk.info, at, "ENGINE_START", "info", "engine", text)
    await desk.add("system_events", row)
