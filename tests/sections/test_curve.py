"""The curve of equity: true times, what moved it besides prices, and words that say why it is not there."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.words import stamped, words, words_of

NARROW = "\u202f"


async def history(
    connection: asyncpg.Connection, *equities: float | None, hours: int = 1, currency: str = "USD"
) -> int:
    """A snapshot every so many hours, the last one now; the first is as large as the initial balance."""
    began = ago(hours=hours * len(equities))
    session = await insert(connection, "trading_sessions", initial_balance=equities[0], start_time=began)
    await insert(connection, "account_balances", session_id=session, total_balance=equities[0], last_updated=began,
                 base_currency=currency, update_reason="session_start")  # fmt: skip
    for number, equity in enumerate(reversed(equities)):
        await insert(connection, "account_history", session_id=session, timestamp=ago(hours=hours * number),
                     balance=equities[0], equity="NaN" if equity is None else equity, total_pnl=1)  # fmt: skip
    return session


async def html(client: Any, section: str, **query: str) -> str:
    response = await client.get(f"/partials/{section}", query_string=query)
    return str(await response.get_data(as_text=True))


async def test_extremes_and_readings_carry_true_times(connection: asyncpg.Connection, client: Any) -> None:
    await history(connection, 10_000, 10_400, 9_800, 10_100)
    shown = await words(client, "curve")
    top, bottom = ago(hours=2), ago(hours=1)
    assert f"highest 10,400.00 on {top.day} {top:%b %Y %H:%M}" in shown
    assert f"lowest 9,800.00 on {bottom.day} {bottom:%b %Y %H:%M}" in shown
    assert f"{stamped(top)} 10,400.00 +4.0{NARROW}%" in shown
    assert f"{stamped(bottom)} 9,800.00 −2.0{NARROW}%" in shown


async def test_the_equity_of_now_ends_the_curve(connection: asyncpg.Connection, client: Any) -> None:
    session = await history(connection, 10_000, 10_400)
    await connection.execute("UPDATE account_history SET timestamp = timestamp - interval '10 minutes'")
    await insert(connection, "positions", session_id=session, entry_price=100, current_price=150, quantity=5,
                 unrealized_pnl=250, last_update=ago())  # fmt: skip
    assert "10,250" in words_of((await html(client, "curve")).partition('class="last"')[2][:200])


async def test_a_deposit_is_marked_and_is_no_growth(connection: asyncpg.Connection, client: Any) -> None:
    session = await history(connection, 10_000, 10_000, 12_500, 12_500)
    await insert(connection, "account_balances", session_id=session, total_balance=12_500, base_currency="USD",
                 last_updated=ago(minutes=90), update_reason="deposit of a friend")  # fmt: skip
    await connection.execute("UPDATE account_history SET balance = equity")
    page = await html(client, "curve")
    shown = words_of(page)
    assert f"{ago(minutes=90).day} {ago(minutes=90):%b}: deposit +2,500.00" in shown
    assert f"12,500.00 0.0{NARROW}%" in shown
    assert page.count('class="flow"') == 1


async def test_a_correction_says_what_it_counts_as(connection: asyncpg.Connection, client: Any) -> None:
    session = await history(connection, 10_000, 9_988, 10_088)
    for total, minutes, reason in ((9_988, 70, "exchange_sync_correction"), (10_088, 10, "account_sync")):
        await insert(connection, "account_balances", session_id=session, total_balance=total, base_currency="USD",
                     last_updated=ago(minutes=minutes), update_reason=reason)  # fmt: skip
    await connection.execute("UPDATE account_history SET balance = equity")
    shown = await words(client, "curve")
    assert "sync −12.00, counted as a loss" in shown
    assert "sync +100.00, counted as making good what was lost before, the rest as a deposit" in shown


@pytest.fixture
def withdrawn(environ: dict[str, str], tmp_path: Path) -> None:
    """The operator says that the second booking was a withdrawal."""
    file = tmp_path / "monitoring.toml"
    file.write_text('[[correction]]\nid = 2\nkind = "withdrawal"\n')
    environ["MONITORING_CONFIG"] = str(file)


@pytest.mark.usefixtures("withdrawn")
async def test_what_the_operator_says_of_a_correction_is_shown(connection: asyncpg.Connection, client: Any) -> None:
    session = await history(connection, 10_000, 9_000)
    await insert(connection, "account_balances", session_id=session, total_balance=9_000, base_currency="USD",
                 last_updated=ago(minutes=10), update_reason="account_sync")  # fmt: skip
    assert "sync −1,000.00, counted as a withdrawal" in await words(client, "curve")


@pytest.mark.parametrize(("closed", "shown"), [(3, 3), (50, 50), (51, 0)])
async def test_closed_trades_are_marked_up_to_fifty(
    connection: asyncpg.Connection, client: Any, closed: int, shown: int
) -> None:
    session = await history(connection, *[10_000.0 + number for number in range(12)])
    for number in range(closed):
        await insert(connection, "trades", session_id=session, pnl=(5, -5, 0)[number % 3],
                     exit_time=ago(minutes=10 * number + 5), entry_time=ago(hours=30))  # fmt: skip
    page = await html(client, "curve")
    assert len(re.findall('class="exit-(?:won|lost|even)"', page)) == shown
    assert ("closed with a gain" in page) == bool(shown)


async def test_a_restart_is_marked(connection: asyncpg.Connection, client: Any) -> None:
    first = await history(connection, 10_000, 10_100, 10_200)
    await connection.execute("UPDATE trading_sessions SET end_time = $1", ago(minutes=50))
    later = await insert(connection, "trading_sessions", initial_balance=10_200, start_time=ago(minutes=49))
    await connection.execute("UPDATE account_history SET session_id = $1 WHERE timestamp > $2", later, ago(minutes=49))
    await connection.execute("UPDATE account_history SET balance = equity")
    shown = await words(client, "curve", bot=str(first))
    at = ago(minutes=49)
    assert f"restarted {stamped(at)}" in shown


async def test_unknown_equity_is_a_gap(connection: asyncpg.Connection, client: Any) -> None:
    await history(connection, *[10_000.0] * 12, *[None] * 12, *[10_000.0] * 12)
    page = await html(client, "curve")
    (path,) = re.findall(r'class="curve" d="([^"]*)"', page)
    assert path.count("M") == 2
    assert "no data" in words_of(page)
    assert "NaN" not in page


@pytest.mark.parametrize(
    ("currency", "equities", "reading", "label"),
    [
        ("JPY", (2_500_000, 2_512_345), "2,512,345", "2.512M"),
        ("BTC", (0.4, 0.41234567), "0.41234567", "0.412"),
        ("IDR", (1_476_000_000, 1_476_736_000), "1,476,736,000", "1.47674B"),
    ],
)
async def test_amounts_have_the_decimals_of_their_currency(
    connection: asyncpg.Connection, client: Any, currency: str, equities: tuple[float, ...], reading: str, label: str
) -> None:
    await history(connection, *equities, currency=currency)
    page = await html(client, "curve")
    assert f"<b>{reading}</b>" in page
    assert words_of(page.partition('class="last"')[2][:200]).split(">")[-1].split()[0] == label


async def test_no_snapshot_is_no_curve(connection: asyncpg.Connection, client: Any) -> None:
    await insert(connection, "trading_sessions", start_time=ago(minutes=1))
    assert "No curve yet It begins with the engine's first snapshot" in await words(client, "curve")


async def test_a_range_without_a_snapshot_leads_to_one_that_has_it(connection: asyncpg.Connection, client: Any) -> None:
    await history(connection, 10_000, 10_100)
    await connection.execute("UPDATE account_history SET timestamp = timestamp - $1::interval", timedelta(days=4))
    await connection.execute("UPDATE account_balances SET last_updated = last_updated - $1::interval",
                             timedelta(days=4))  # fmt: skip
    await connection.execute("UPDATE trading_sessions SET start_time = start_time - $1::interval", timedelta(days=4))
    page = await html(client, "curve", range="24h")
    assert "No equity in this range" in page
    assert 'range=7d">show 7d</a>' in page


async def test_the_ranges_are_links(connection: asyncpg.Connection, client: Any) -> None:
    await history(connection, 10_000, 10_100)
    page = await html(client, "curve", range="7d")
    assert re.findall(r'range=7d" aria-current="true">7d</a>', page)
    assert re.findall(r'range=all">All</a>', page)
