"""The demo's bots, moved by hand on a clock of their own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import numpy as np

from monitoring.demo.bot import Bot
from monitoring.demo.engine import TICK_SECONDS, start_bots, tick
from monitoring.demo.market import Market
from monitoring.demo.money import Holding, open_holding
from monitoring.demo.past import LIVE
from monitoring.demo.records import Row
from monitoring.demo.store import ManualTimer
from tests.rows import now

CHAIN = "SELECT * FROM trading_sessions WHERE mode = 'LIVE' AND strategy_name = 'ml_sentiment' ORDER BY id DESC"
HELD = f"SELECT * FROM positions WHERE status = 'OPEN' AND session_id IN (SELECT id FROM ({CHAIN}) chain) ORDER BY id"
NEWEST_SNAPSHOT = "SELECT * FROM account_history WHERE session_id = $1 ORDER BY id DESC LIMIT 1"
BALANCE = "SELECT total_balance FROM account_balances WHERE session_id = $1 ORDER BY id DESC LIMIT 1"


@dataclass
class Life:
    """The demo's bots, moved by hand."""

    market: Market
    bots: list[Bot]
    timer: ManualTimer
    began: datetime

    @property
    def live(self) -> Bot:
        return self.bots[0]

    async def go_on(self, **interval: float) -> None:
        end = self.timer.at + timedelta(**interval)
        while self.timer.at < end:
            await tick(self.market, self.bots)
            await self.timer.sleep(TICK_SECONDS)

    def holding(self, side: str = "LONG") -> Holding:
        price = self.market.price("BTCUSD")
        balance = self.live.desk.balance
        return open_holding("BTCUSD", side, price, 0.2, balance, self.timer.now(), stop=0.01, target=0.02)

    async def opened(self, side: str = "LONG") -> Holding:
        asked = self.holding(side)
        await self.live.desk.enter(asked, asked.entry_price, self.decision())
        return self.live.desk.holdings[-1]

    def decision(self) -> Row:
        return {"timestamp": self.timer.now(), "strategy_name": LIVE.strategy, "symbol": "BTCUSD"}


async def alive(connection: asyncpg.Connection, speed: float = 1, seed: int = 5) -> Life:
    timer = ManualTimer(now())
    began = timer.at
    market, bots = await start_bots(connection, timer, np.random.default_rng(seed), speed)
    return Life(market, bots, timer, began)
