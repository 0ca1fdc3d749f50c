"""Where the simulated engine writes, and its clock: lists of rows for the made-up history, later a database."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import asyncpg

from monitoring.clock import SYSTEM_CLOCK
from monitoring.demo.records import Row

# As the engine does it; a row that somebody adds in between is not seen, which is why others take a lock besides.
BALANCE = """
SELECT total_balance FROM account_balances WHERE session_id = $1 ORDER BY last_updated DESC, id DESC LIMIT 1
"""
DAY = "SELECT id FROM performance_metrics WHERE period = 'daily' AND session_id = $1 AND period_start = $2"
HALTED = "SELECT bool_or(active) FROM system_control_flags WHERE name = 'system_halt'"


class SessionsDeleted(Exception):
    """Somebody has deleted a session that the engine writes for, or what it held."""


class Store(Protocol):
    """Changes within a ``transaction`` are made together."""

    def transaction(self) -> AbstractAsyncContextManager[Any]: ...

    async def add(self, table: str, row: Row) -> int:
        """The new row's id."""

    async def change(self, table: str, number: int, row: Row) -> None: ...

    async def balance(self, session: int) -> Decimal:
        """The newest balance, by whomever it was written."""

    async def sum_up(self, row: Row) -> None:
        """Adds or replaces a day's row of ``performance_metrics``."""

    async def halted(self) -> bool:
        """Whether the operator's kill switch is on."""


class Timer(Protocol):
    """``now`` is naive UTC."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class RealTimer:
    def now(self) -> datetime:
        return SYSTEM_CLOCK.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualTimer:
    """A clock that is moved by hand, and by a little whenever it is read, as between two rows of the engine."""

    READING = timedelta(microseconds=90)

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        self.at += self.READING
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Memory:
    """Keeps the rows of every table in lists, oldest first, and gives each an ``id``."""

    def __init__(self) -> None:
        self.tables: dict[str, list[Row]] = {}
        self._balances: dict[int, Decimal] = {}
        self._days: dict[tuple[int, datetime], int] = {}

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        return nullcontext()

    async def add(self, table: str, row: Row) -> int:
        rows = self.tables.setdefault(table, [])
        rows.append({"id": len(rows) + 1, **row})
        if table == "account_balances":
            self._balances[row["session_id"]] = row["total_balance"]
        return len(rows)

    async def change(self, table: str, number: int, row: Row) -> None:
        self.tables[table][number - 1].update(row)

    async def balance(self, session: int) -> Decimal:
        return self._balances[session]

    async def sum_up(self, row: Row) -> None:
        day = (row["session_id"], row["period_start"])
        known = self._days.get(day)
        if known:
            await self.change("performance_metrics", known, row)
        else:
            self._days[day] = await self.add("performance_metrics", row)

    async def halted(self) -> bool:
        return False


class Postgres:
    """Writes over one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        transaction: AbstractAsyncContextManager[Any] = self.connection.transaction()
        return transaction

    async def add(self, table: str, row: Row) -> int:
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        query = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) RETURNING id"
        return int(await self.connection.fetchval(query, *row.values()))

    async def change(self, table: str, number: int, row: Row) -> None:
        changes = ", ".join(f"{column} = ${place}" for place, column in enumerate(row, 2))
        await self.connection.execute(f"UPDATE {table} SET {changes} WHERE id = $1", number, *row.values())

    async def balance(self, session: int) -> Decimal:
        """Raises SessionsDeleted where there is none."""
        total: Decimal | None = await self.connection.fetchval(BALANCE, session)
        if total is None:
            raise SessionsDeleted
        return total

    async def sum_up(self, row: Row) -> None:
        known = await self.connection.fetchval(DAY, row["session_id"], row["period_start"])
        if known:
            await self.change("performance_metrics", known, row)
        else:
            await self.add("performance_metrics", row)

    async def halted(self) -> bool:
        return bool(await self.connection.fetchval(HALTED))
