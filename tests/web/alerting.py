"""A bot without alerts, what makes some, and asking for them."""

from pathlib import Path
from typing import Any

import asyncpg

from tests.rows import ago, insert, now
from tests.web.calls import get


async def healthy_bot(connection: asyncpg.Connection) -> int:
    """A LIVE bot that wrote every ten minutes until now."""
    session = await insert(connection, "trading_sessions", start_time=ago(days=3), symbol="A,B,C")
    for minutes in range(0, 410, 10):
        at = ago(minutes=minutes)
        await insert(connection, "account_history", session_id=session, timestamp=at, total_pnl=1)
    return session


def configured(environ: dict[str, str], folder: Path, text: str) -> dict[str, str]:
    """The environment of a dashboard whose operator wrote ``text`` into the configuration file."""
    file = folder / "monitoring.toml"
    file.write_text(text)
    return {**environ, "MONITORING_CONFIG": str(file)}


async def alerts(client: Any, query: str = "") -> list[Any]:
    found: list[Any] = await get(client, f"/api/alerts{query}")
    return found


async def lines(client: Any, query: str = "") -> list[tuple[str, str, int]]:
    return sorted((one["code"], one["severity"], one["count"]) for one in await alerts(client, query))


async def hold(connection: asyncpg.Connection, bot: int | None, **columns: object) -> int:
    row = {"session_id": bot, "stop_loss": 90, "current_price": 100, "last_update": now(), **columns}
    return await insert(connection, "positions", **row)


async def guard(connection: asyncpg.Connection, bot: int, position: int, status: str) -> int:
    row = {"session_id": bot, "position_id": position, "order_type": "STOP_LOSS", "status": status, "price": 90}
    return await insert(connection, "orders", created_at=ago(minutes=30), **row)
