"""Results: the sentence, how sure the figures are, the days, the drawdowns and the books agree with the API."""

import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from monitoring.projections.times import midnight
from tests.rows import ago, insert, now
from tests.web.calls import get
from tests.words import words

NARROW = "\u202f"
SECTIONS = ("verdict", "believable", "figures", "calendar", "declines", "balanced")


async def account(connection: asyncpg.Connection, days: int, trades_a_day: int = 1) -> int:
    """10,000 at first; a trade or more a day, of which two of three win 60 and the third loses 45, 1 of costs each."""
    began = midnight(now()) - timedelta(days=days)
    session = await insert(connection, "trading_sessions", initial_balance=10_000, start_time=began)
    balance, number = 10_000.0, 0
    await insert(connection, "account_balances", session_id=session, total_balance=balance, last_updated=began,
                 update_reason="session_start")  # fmt: skip
    for day in range(days):
        for _ in range(trades_a_day):
            pnl = -45 if number % 3 == 2 else 60
            balance, number = balance + pnl - 1, number + 1
            at = began + timedelta(days=day, hours=10, seconds=number % 1000)
            await insert(connection, "trades", session_id=session, pnl=pnl, commission=1, exit_time=at,
                         entry_time=at - timedelta(hours=2 if pnl > 0 else 1))  # fmt: skip
        await insert(connection, "account_history", session_id=session, balance=balance, equity=balance,
                     timestamp=began + timedelta(days=day, hours=11), total_pnl=1)  # fmt: skip
    return session


async def test_the_sentence_says_what_the_api_says(connection: asyncpg.Connection, client: Any) -> None:
    await account(connection, 40)
    metrics, shown = await get(client, "/api/metrics"), await words(client, "verdict")
    assert f"+{metrics['total_return']:.2f}{NARROW}%" in shown
    assert f"in 40 days after all costs, at most {metrics['max_drawdown']:.2f}{NARROW}% below its peak." in shown
    assert f"Of every 100 earned before costs, {metrics['cost_share']:.0f} went to fees and interest." in shown


async def test_the_curve_is_of_everything_until_a_span_is_chosen(connection: asyncpg.Connection, client: Any) -> None:
    await account(connection, 40)
    whole, week = await words(client, "verdict"), await words(client, "verdict", span="7d")
    assert whole.count(" 11:00 ") > 3 * week.count(" 11:00 ") > 0
    assert whole.split("interest.")[0] == week.split("interest.")[0]
    refused = await client.get("/partials/verdict?span=8d")
    assert (refused.status_code, "expected one of 24h, 7d" in await refused.get_data(as_text=True)) == (422, True)


async def test_few_days_and_trades_are_shown_as_intervals(connection: asyncpg.Connection, client: Any) -> None:
    await account(connection, 40)
    shown = await words(client, "believable")
    assert re.search(r"Sharpe between −?\d+\.\d and \d+\.\d 95.% sure; \d+\.\d\d of 40 days", shown)
    assert re.search(r"Won between \d\d and \d\d.% 95.% sure; 6[78].% of 40 trades", shown)


async def test_many_days_and_trades_are_shown_with_their_error(connection: asyncpg.Connection, client: Any) -> None:
    await account(connection, 75, trades_a_day=2)
    shown, metrics = await words(client, "believable"), await get(client, "/api/metrics")
    assert f"Sharpe {metrics['sharpe_ratio']:.2f} ± " in shown
    assert "standard error of 75 days; the last 30 days" in shown
    assert re.search(r"Won 66\.7.% 95.% sure: 58\.8–73\.7.%, 150 trades; the last 30 days 6[67].%, was 6[67].%", shown)
    assert re.search(r"Return \+36\.00.% in 75 days; the last 30 days \+1\d\.\d\d.%, was \+1\d\.\d\d.%", shown)


async def test_a_young_bot_says_what_is_missing(connection: asyncpg.Connection, client: Any) -> None:
    await account(connection, 4)
    shown = await words(client, "believable")
    assert "Sharpe —" in shown
    assert "needs 10 days, has 4" in shown
    assert "the last 30 days" not in shown
    assert "needs 30 days, has 4" in await words(client, "figures")


async def test_every_figure_is_that_of_the_api(connection: asyncpg.Connection, client: Any) -> None:
    await account(connection, 40)
    shown, metrics = await words(client, "figures"), await get(client, "/api/metrics")
    assert f"Profit factor {metrics['profit_factor']:.2f}" in shown
    assert f"Calmar {metrics['calmar_ratio']:,.2f}" in shown
    assert "Gross P&L +1,035.00 Fees −40.00 Interest 0.00" in shown
    assert "Mean win · loss +59.00 · −46.00" in shown
    assert "Won · lost · even 27 · 13 · 0" in shown
    assert "Held: wins · losses 2 h · 1 h" in shown
    assert "Longest streaks 2 won · 1 lost" in shown
    assert "Days up · down 27 · 13" in shown


async def test_one_unknown_trade_leaves_figures_of_all_unknown(connection: asyncpg.Connection, client: Any) -> None:
    session = await account(connection, 12)
    await insert(connection, "trades", session_id=session, pnl="NaN", exit_time=ago(hours=1), entry_time=ago(hours=2))
    shown = await words(client, "figures")
    for label in ("Mean win · loss", "Won · lost · even", "Held: wins · losses", "Longest streaks"):
        assert f"{label} —unknown: 1 of 13 closed trades has no known P&L" in shown
    assert "1 trade without a known P&L; the other 12 made" in shown


async def test_the_deepest_drawdown_is_that_of_the_api(connection: asyncpg.Connection, client: Any) -> None:
    session = await account(connection, 20)
    for hours, equity in ((30, 12_000), (20, 9_000), (10, 12_500), (5, 12_000)):
        await insert(connection, "account_history", session_id=session, timestamp=ago(hours=hours), equity=equity,
                     balance=10_500, total_pnl=1)  # fmt: skip
    shown, metrics = await words(client, "declines"), await get(client, "/api/metrics")
    peak, valley, recovered = ago(hours=30), ago(hours=20), ago(hours=10)
    days = f"{peak.day} {peak:%b}→ {valley.day} {valley:%b} {recovered.day} {recovered:%b}"
    assert f"① −{metrics['max_drawdown']:.2f}{NARROW}%" in shown
    assert days in shown.replace(" →", "→")
    assert "② −4" in shown
    assert "not yet" in shown


async def test_each_day_leads_to_its_trades(connection: asyncpg.Connection, client: Any) -> None:
    await account(connection, 10)
    response = await client.get("/partials/calendar")
    page = await response.get_data(as_text=True)
    yesterday = now() - timedelta(days=1)
    title = f"{yesterday:%a} {yesterday.day} {yesterday:%b}: +59.00, 1 trade"
    (link,) = re.findall(rf'href="([^"]*)" title="{re.escape(title)}"', page)
    assert f"from={yesterday:%Y-%m-%d}&amp;to={yesterday:%Y-%m-%d}" in link
    assert page.count('class="day-cell gain-') + page.count('class="day-cell loss-') == 10


async def test_older_weeks_are_a_link_away(connection: asyncpg.Connection, client: Any) -> None:
    await account(connection, 200)
    response = await client.get("/partials/calendar")
    page = await response.get_data(as_text=True)
    assert page.count('class="week') == 1 + 18
    assert page.count('class="week older"') == 9
    (before,) = re.findall(r'class="more wide-only" href="[^"]*weeks_before=([\d-]*)', page)
    older = await (await client.get(f"/partials/calendar?weeks_before={before}")).get_data(as_text=True)
    assert 'class="more wide-only"' not in older
    assert "Newest weeks" in older
    assert not set(re.findall(r'title="([^:]*):', page)) & set(re.findall(r'title="([^:]*):', older))


async def test_a_week_that_is_none_is_refused(connection: asyncpg.Connection, client: Any) -> None:
    await account(connection, 3)
    response = await client.get("/partials/calendar?weeks_before=soon")
    assert response.status_code == 422
    assert "expected a day, such as" in await response.get_data(as_text=True)


async def test_the_books_add_up_item_by_item(connection: asyncpg.Connection, client: Any) -> None:
    session = await account(connection, 3)
    booked = (("deposit", 10_500), ("exchange_sync_correction", 10_488), ("realized_pnl_BTCUSDT_stop_loss", 10_560))
    for hours, (reason, total) in zip((4, 3, 2), booked, strict=True):
        await insert(connection, "account_balances", session_id=session, total_balance=total,
                     last_updated=ago(hours=hours), update_reason=reason)  # fmt: skip
    shown = await words(client, "balanced")
    assert "0.00 unexplained checked against 3 trades and 2 bookings Start 10,000.00" in shown
    assert "Net of 3 closed trades +72.00" in shown
    assert "+500.00" in shown
    assert "a loss −12.00 Balance 10,560.00" in shown


@pytest.mark.parametrize("section", SECTIONS)
async def test_before_anything_is_known_every_card_says_so(
    connection: asyncpg.Connection, client: Any, section: str
) -> None:
    await insert(connection, "trading_sessions", start_time=ago(minutes=1), initial_balance="NaN")
    shown = await words(client, section)
    assert "could not be computed" not in shown
    assert re.search("yet|unknown|needs|known|None", shown), shown
    assert "None" not in shown


@pytest.mark.parametrize("section", SECTIONS)
async def test_hostile_rows_break_no_card(connection: asyncpg.Connection, client: Any, section: str) -> None:
    session = await account(connection, 12)
    for pnl in ("NaN", -1e9, 1e9, 0):
        await insert(connection, "trades", session_id=session, pnl=pnl, exit_time=ago(hours=1), symbol="X" * 20,
                     entry_time=ago(hours=2), exit_reason="y" * 100)  # fmt: skip
    for equity in ("NaN", -400, 1e9, 0.00000001):
        await insert(connection, "account_history", session_id=session, equity=equity, total_pnl=1)
    shown = await words(client, section)
    assert not re.search("could not be computed|NaN|nan|inf|None", shown), shown
