"""What goes wrong with a bot, and what its engine and its operator write of it."""

from datetime import timedelta

from tests.projections.engine_rows import Bot, EngineRows
from tests.rows import insert

CODES = (None, "WS_RECONNECT", "ORDER_REFUSED", "MAX_DRAWDOWN_BREACH", "CLOSE_ONLY", "MAX_DRAWDOWN_CLEARED")
SEVERITIES = ("info", "warning", "error", "ERROR", "Critical")


class EngineTroubles(EngineRows):
    """Each method does one thing that the state of a bot or its alerts may depend on."""

    async def fail(self, bot: Bot) -> None:
        """Some events carry no session, and some are the dashboard's own, which prove nothing of the engine."""
        own = {"event_type": "BALANCE_ADJUSTMENT", "component": "dashboard"} if self.dice.random() < 0.2 else {}
        await insert(self.connection, "system_events", session_id=self.dice.choice((bot.session, bot.session, None)),
                     severity=self.dice.choice(SEVERITIES), error_code=self.dice.choice(CODES), timestamp=self.now,
                     **own)  # fmt: skip

    async def find(self, bot: Bot) -> None:
        """The reconciliation with the exchange."""
        await insert(self.connection, "reconciliation_audit_events", timestamp=self.now,
                     session_id=self.dice.choice((bot.session, None)),
                     severity=self.dice.choice(("LOW", "HIGH", "CRITICAL")))  # fmt: skip

    async def halt(self, _bot: Bot) -> None:
        """The operator pulls the kill switch, or lets it go."""
        changed = "UPDATE system_control_flags SET active = NOT active, updated_at = $1 WHERE name = 'system_halt'"
        if await self.connection.execute(changed, self.now) == "UPDATE 0":
            await insert(self.connection, "system_control_flags", active=True, created_at=self.now, updated_at=self.now)

    async def guard(self, bot: Bot) -> None:
        """Places a stop order, or another one in its place."""
        if bot.open:
            bot.pending.append(await insert(
                self.connection, "orders", session_id=bot.session, status="PENDING", created_at=self.now,
                position_id=self.dice.choice(bot.open), order_type="STOP_LOSS", price=49_000, last_update=self.now,
            ))  # fmt: skip

    async def write_regularly(self, bot: Bot) -> None:
        """A dozen decisions, or snapshots, at one pace: how long the bot may be silent is learned from them."""
        pace = timedelta(seconds=self.dice.choice((20, 60, 600, 1800, 3600)))
        decides = self.dice.random() < 0.5
        for _ in range(12):
            self.hands.now += pace
            if decides:
                await insert(self.connection, "strategy_executions", session_id=bot.session, timestamp=self.now)
            else:
                await self.snapshot(bot)
