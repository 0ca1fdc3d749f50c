"""What is done to rows afterwards: they are corrected, deleted, moved to another session, or taken away from theirs."""

import random

import asyncpg

COUNTED = "SELECT pg_stat_force_next_flush()"
"""Has the server count updates at once, and not only ten seconds later."""
CORRECTIONS = (
    ("trades", "pnl = pnl - 3"),
    ("trades", "exit_time = exit_time - interval '9 hours'"),
    ("trades", "symbol = 'XRPUSDT'"),
    ("account_history", "equity = equity * 1.07"),
    ("account_history", "timestamp = timestamp - interval '40 minutes'"),
    ("positions", "status = 'OPEN'"),
    ("positions", "quantity = 0.03"),
    ("orders", "status = 'FAILED'"),
    ("account_balances", "total_balance = total_balance + 1"),
    ("account_balances", "last_updated = last_updated - interval '40 minutes'"),
    ("trading_sessions", "end_time = end_time + interval '20 seconds'"),
    ("trading_sessions", "session_name = 'renamed'"),
)
MOVED = ("trades", "account_history", "account_balances", "positions", "orders")
DELETED = ("trades", "account_history", "account_balances")
CLEANED = ("trades", "account_history", "account_balances", "positions", "orders")
"""Tables of which the engine's clean-up takes the session away."""


class RowChanges:
    """One row a time, whichever the dice say."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.dice = random.Random()

    async def act(self) -> None:
        ways = (self.correct,) * 4 + (self.move,) * 3 + (self.delete, self.clean_up)
        await self.dice.choice(ways)()

    async def correct(self) -> None:
        table, change = self.dice.choice(CORRECTIONS)
        await self._change(table, f"UPDATE {table} SET {change} WHERE id = $1")

    async def move(self) -> None:
        """To another session of its bot, or of another one."""
        sessions = await self.connection.fetch("SELECT id FROM trading_sessions ORDER BY id")
        table, wanted = self.dice.choice(MOVED), self.dice.choice(sessions)["id"]
        await self._change(table, f"UPDATE {table} SET session_id = $2 WHERE id = $1", wanted)

    async def delete(self) -> None:
        await self._change(table := self.dice.choice(DELETED), f"DELETE FROM {table} WHERE id = $1")

    async def clean_up(self) -> None:
        table = self.dice.choice(CLEANED)
        await self._change(table, f"UPDATE {table} SET session_id = NULL WHERE id = $1")

    async def _change(self, table: str, command: str, *values: object) -> None:
        rows = await self.connection.fetch(f"SELECT id FROM {table} ORDER BY id")
        if rows:
            await self.connection.execute(command, self.dice.choice(rows)["id"], *values)
            await self.connection.execute(COUNTED)
