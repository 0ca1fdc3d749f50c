"""The figures that an operator asks for first stand on a page each, with the value that the database has."""

from datetime import datetime
from typing import Any

import asyncpg
import pytest

from tests.history import seed_account
from tests.rows import ago, insert, now
from tests.web.calls import get
from tests.words import words_of

NARROW = "\u202f"
FROM_ROWS = """
SELECT balance, equity, margin_available, total_exposure / equity * 100 AS exposure, equity / 100 - 100 AS total_return,
       (SELECT count(*) FROM positions WHERE status = 'OPEN') AS held,
       (SELECT sum((current_price - entry_price) * quantity) FROM positions) AS unrealized,
       (SELECT count(*) FROM trades) AS trades,
       (SELECT 100.0 * count(*) FILTER (WHERE pnl > commission) / count(*) FROM trades) AS win_rate,
       (SELECT sum(pnl - commission) FILTER (WHERE pnl > 0) / -sum(pnl - commission) FILTER (WHERE pnl < 0)
        FROM trades) AS profit_factor,
       (SELECT count(*) FROM system_events WHERE severity = 'error') AS errors,
       (SELECT avg((entry_price - stop_loss) * quantity) FROM trades) AS risked
FROM account_history ORDER BY timestamp DESC LIMIT 1
"""
"""From the account of ``seed_account``: of 10,000 at first, held long."""


@pytest.fixture
async def account(connection: asyncpg.Connection) -> int:
    """With an error, and a risk factor that the newest entry was sized by."""
    session = await seed_account(connection)
    await insert(connection, "system_events", session_id=session, severity="error", timestamp=ago(hours=3))
    await insert(connection, "risk_adjustments", session_id=session, parameter_name="position_size_factor",
                 adjustment_type="drawdown", trigger_reason="drawdown_15.2%", original_value=1, adjusted_value=0.5,
                 adjustment_factor=0.5, timestamp=ago(hours=1, seconds=5))  # fmt: skip
    return session


async def page(client: Any, path: str) -> str:
    """The words of a whole page, with its bar."""
    return words_of(await (await client.get(path)).get_data(as_text=True)).replace(NARROW, " ")


async def test_what_the_account_holds_stands_on_positions(
    account: int, connection: asyncpg.Connection, client: Any
) -> None:
    rows, shown = await connection.fetchrow(FROM_ROWS), await page(client, "/positions")
    assert f"Active positions {rows['held']} " in shown
    assert f"Unrealized P&L +{rows['unrealized']:,.2f} " in shown
    assert f"Balance {rows['balance']:,.2f} " in shown
    assert f"Equity {rows['equity']:,.2f} " in shown
    assert f"Available margin {rows['margin_available']:,.2f} " in shown
    assert f"{rows['exposure']:.1f} % of equity; net +{rows['exposure']:.1f} %" in shown


async def test_how_the_bot_stands_is_on_the_first_page(
    account: int, connection: asyncpg.Connection, client: Any
) -> None:
    rows, metrics = await connection.fetchrow(FROM_ROWS), await get(client, "/api/metrics")
    shown = await page(client, "/")
    assert f"{rows['equity']:,.2f} balance {rows['balance']:,.2f} · {rows['held']} open" in shown
    assert f"P&L +{rows['unrealized']:,.2f} " in shown
    assert f"Drawdown −{metrics['current_drawdown']:.2f} % worst −{metrics['max_drawdown']:.2f} %" in shown
    assert (
        f"Exposure {rows['exposure']:.1f} % net +{rows['exposure']:.1f} % · free {rows['margin_available']:,.2f}"
        in shown
    )
    assert f"Risk per trade {metrics['risk_per_trade']:.2f} % mean; set 1.00 %" in shown
    assert metrics["risk_per_trade"] == pytest.approx(float(rows["risked"]) / 10_000 * 100, rel=0.1)


async def test_whether_the_engine_lives_is_on_the_first_page(
    account: int, connection: asyncpg.Connection, client: Any
) -> None:
    rows, status = await connection.fetchrow(FROM_ROWS), await get(client, "/api/status")
    shown, seen = await page(client, "/"), datetime.fromisoformat(status["last_update"])
    assert f"Engine {status['state']} " in shown
    today = seen.date() == now().date()
    assert f"Last update {f'{seen:%H:%M:%S}' if today else f'{seen:%-d %b %H:%M}'} " in shown
    assert f"Errors, 24 h {rows['errors']} last 3 h ago" in shown
    assert "Uptime 30 d " in shown


@pytest.mark.parametrize("path", ["/", "/engine"])
async def test_the_risk_factor_is_shown_with_its_reason(account: int, client: Any, path: str) -> None:
    assert "0.50 drawdown of 15.2%, " in await page(client, path)


async def test_what_it_earned_is_on_results(account: int, connection: asyncpg.Connection, client: Any) -> None:
    rows, metrics = await connection.fetchrow(FROM_ROWS), await get(client, "/api/metrics")
    shown = await page(client, "/results")
    assert f"+{rows['total_return']:.2f} % in 30 days after all costs" in shown
    assert f"at most {metrics['max_drawdown']:.2f} % below its peak" in shown
    assert f"{rows['win_rate']:.0f} % of {rows['trades']} trades" in shown
    assert f"{metrics['sharpe_ratio']:.2f} of " in shown
    assert f"Profit factor {rows['profit_factor']:.2f} " in shown
    assert f"Net of {rows['trades']} closed trades" in shown


async def test_what_it_traded_is_on_trades(account: int, connection: asyncpg.Connection, client: Any) -> None:
    rows, shown = await connection.fetchrow(FROM_ROWS), await page(client, "/trades")
    assert f"Trades {rows['trades']} Won {rows['win_rate']:.1f} % Net +890.00 " in shown
    assert f"Profit factor {rows['profit_factor']:.2f} " in shown
