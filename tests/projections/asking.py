"""What a dashboard says of a bot or a session, held against the plain figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from monitoring.scope_key import BotScope
from tests.faults.page import Page
from tests.projections import figure_reference as plain
from tests.projections.chain_reference import Kinds, Rows, ScopeRows, alone, bot_end, bots

STEP = timedelta(minutes=10)
Answers = dict[str, Any]


@dataclass
class Difference(AssertionError):
    scope: str
    name: str
    shown: object
    true: object

    def __str__(self) -> str:
        return f"{self.scope}: {self.name} is {self.shown!r}, expected {self.true!r}"


async def answers(page: Page, scope: str) -> Answers:
    """Everything that programs are told of a scope."""
    return {
        "metrics": await page.json(f"/api/metrics?{scope}"),
        "trades": await page.json(f"/api/trades?limit=1000&{scope}"),
        "positions": await page.json(f"/api/positions?{scope}"),
        "pending": await page.json(f"/api/pending-orders?{scope}"),
        "parts": await page.json(f"/api/partial-trades?limit=1000&{scope}"),
        "curve": await page.json(f"/api/balance/history?days=3650&{scope}"),
    }


async def check(page: Page, rows: Rows, now: datetime, kinds: Kinds) -> dict[str, Answers]:
    """All bots, each session alone, and the one that is shown by default. Returns what was said of each."""
    found = bots(rows, now, kinds)
    listed = {bot["id"]: bot["sessions"] for bot in await page.json("/api/bots")}
    expected = {bot.sessions[0]["id"]: [session["id"] for session in bot.sessions] for bot in found}
    same("bots", "sessions", listed, expected)
    scopes = {f"bot={bot.sessions[-1]['id']}": bot for bot in found}
    scopes |= {f"session={session['id']}": alone(rows, session, kinds) for session in rows["trading_sessions"]}
    said = {scope: await answers(page, scope) for scope in scopes}
    for scope, true in scopes.items():
        check_scope(scope, said[scope], true, now)
    said["current"] = await answers(page, "")
    if not found:
        return said
    check_scope("current", said["current"], scopes[f"bot={current(found, now, said, scopes)}"], now)
    return said


def current(found: list[ScopeRows], now: datetime, said: dict[str, Answers], scopes: dict[str, ScopeRows]) -> int:
    """The session by which the default bot is named: one that is shown as if it were the default, of the right mode."""
    shown = said["current"]
    same_as = [scope for scope in scopes if scope.startswith("bot=") and said[scope] == shown]
    same("current", "is some bot", bool(same_as), True)
    over = [_long_over(bot, now) for bot in found]
    modes = [bot.sessions[0]["mode"] for bot, ended in zip(found, over, strict=True) if not ended or all(over)]
    best = min(modes, key=("LIVE", "PAPER", "BACKTEST").index)
    same("current", "mode", best in {scopes[scope].sessions[0]["mode"] for scope in same_as}, True)
    return int(same_as[0].removeprefix("bot="))


def _long_over(bot: ScopeRows, now: datetime) -> bool:
    end = bot_end(bot, now)
    return end is not None and now - end >= timedelta(minutes=15)


def check_scope(scope: str, said: Answers, true: ScopeRows, now: datetime) -> None:
    metrics, trades = said["metrics"], plain.trade_figures(true, now)
    same(scope, "trades", [trade["id"] for trade in said["trades"]], trades.pop("ids"))
    same(scope, "net of trades", [trade["net_pnl"] for trade in said["trades"]], trades.pop("nets"))
    positions = plain.position_figures(true, now)
    shown = sorted((row["id"], row["session_id"]) for row in said["positions"])
    same(scope, "open positions", shown, positions.pop("open"))
    orders = {row["id"]: sorted(order["id"] for order in row["orders"]) for row in said["positions"]}
    same(scope, "orders of positions", orders, positions.pop("orders"))
    same(scope, "pending orders", sorted(row["id"] for row in said["pending"]), positions.pop("pending"))
    same(scope, "partial trades", [row["id"] for row in said["parts"]], positions.pop("parts"))
    for name, value in (trades | positions | plain.account_figures(true, now)).items():
        same(scope, name, metrics[name], value)
    value, fresh = plain.unrealized(true, now)
    if fresh or metrics["unrealized_pnl"] is not None:
        same(scope, "unrealized_pnl", metrics["unrealized_pnl"], value)
    check_history(scope, said, true, now)


def check_history(scope: str, said: Answers, true: ScopeRows, now: datetime) -> None:
    """Of each ten minutes the last point is shown, and others perhaps."""
    real = plain.points(true, now)
    known = {_iso(row["timestamp"]) for row in real}
    last = {row["timestamp"].replace(second=0, microsecond=0, minute=row["timestamp"].minute // 10 * 10): row
            for row in real}  # fmt: skip
    shown = {point["timestamp"]: point["equity"] for point in said["curve"]}
    same(scope, "points of the curve that there are not", sorted(shown.keys() - known), [])
    ends = {_iso(row["timestamp"]): row["equity"] for row in last.values()}
    same(scope, "ends of ten minutes", {at: shown.get(at) for at in ends}, ends)
    points = plain.curve(true, now)
    if points:
        current, deepest = plain.drawdowns(points, true.initial)
        same(scope, "current_drawdown", said["metrics"]["current_drawdown"], current)
        same(scope, "max_drawdown", said["metrics"]["max_drawdown"], deepest)
        for name, value in plain.return_figures(points, true.initial, deepest, now).items():
            same(scope, name, said["metrics"][name], value)


def _iso(at: datetime) -> str:
    return f"{at.isoformat(timespec='milliseconds')}+00:00"


def same(scope: str, name: str, shown: Any, true: Any) -> None:
    """Raises Difference, of the smallest part that differs."""
    if isinstance(shown, dict) and isinstance(true, dict) and shown.keys() == true.keys():
        for key in true:
            same(scope, f"{name}, {key}", shown[key], true[key])
    elif not _same(shown, true):
        raise Difference(scope, name, shown, true)


def _same(shown: Any, true: Any) -> bool:
    if isinstance(true, dict) and isinstance(shown, dict):
        return shown.keys() == true.keys() and all(_same(shown[key], true[key]) for key in true)
    if isinstance(true, list) and isinstance(shown, list):
        return len(shown) == len(true) and all(map(_same, shown, true))
    if isinstance(true, Decimal | float) and isinstance(shown, int | float):
        return bool(shown == pytest.approx(float(true), rel=1e-6, abs=1e-6))
    return bool(shown == true)


Seen = dict[tuple[str, str], tuple[str, object]]
"""By bot and section the version at the last look, and what was shown."""


async def check_versions(page: Page, said: dict[str, Answers], seen: Seen) -> None:
    """Whoever looks is told of a version whenever something else is to be shown."""
    for scope in (scope for scope in said if scope.startswith("bot=")):
        held = [{**position, "stale": None} for position in said[scope]["positions"]]
        for section, shown in (("trade_list", said[scope]["trades"]), ("all_positions", held)):
            await page.get(f"/partials/{section}?{scope}")
            version = page.parts.hub.versions.of(BotScope(int(scope.removeprefix("bot="))), section)
            before, seen[scope, section] = seen.get((scope, section)), (version, shown)
            if before is not None and before[0] == version:
                same(scope, f"{section} of one version", shown, before[1])
