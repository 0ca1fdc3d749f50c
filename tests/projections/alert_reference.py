"""The state of a bot and its alerts once more, the plain way: the contract's two tables read off, over all rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from tests.projections import books_reference
from tests.projections import figure_reference as plain
from tests.projections.chain_reference import MINUTE, Row, ScopeRows, bot_end, last_sign, limit, signs

GRACE, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
CLOSE_ONLY = ("MAX_DRAWDOWN_BREACH", "ACCOUNT_CIRCUIT_BREAKER_TRIP", "CLOSE_ONLY", "SYSTEM_HALT_UNVERIFIED")
FINISHED = ("FILLED", "CONFIRMED", "CANCELLED", "FAILED", "EXPIRED")


class Line(NamedTuple):
    code: str
    subject: str | None
    severity: str
    count: int
    since: datetime | None


@dataclass
class Seen:
    """One bot at one moment."""

    bot: ScopeRows
    all_bots: list[ScopeRows]
    now: datetime

    def __post_init__(self) -> None:
        self.rows = self.bot.rows
        self.mode = self.bot.sessions[-1]["mode"]
        self.sign = bot_sign(self.bot, self.now)
        self.limit = limit(self.rows, self.bot.sessions, self.now)
        self.silent = self.now - self.sign > 2 * self.limit
        self.ended = bot_end(self.bot, self.now) is not None
        self.open = plain.held(self.bot)

    def events(self, length: timedelta) -> list[Row]:
        found = plain.events(self.bot, self.now)
        return [row for row in found if self.now - length < row["timestamp"]]

    def orders(self, position: int) -> list[Row]:
        """The stop orders of a position, oldest first."""
        found = [row for row in self.rows["orders"] if row["position_id"] == position]
        stops = [row for row in found if row["order_type"] == "STOP_LOSS"]
        return sorted(stops, key=lambda row: (row["created_at"], row["id"]))


def bot_sign(bot: ScopeRows, now: datetime) -> datetime:
    return max(last_sign(bot.rows, session, now) for session in bot.sessions)


# States


def state(seen: Seen) -> str:
    if seen.ended:
        return "Ended"
    if seen.mode in ("LIVE", "PAPER") and any(row["active"] for row in seen.rows["system_control_flags"]):
        return "Halted"
    if seen.silent:
        return "Offline"
    if close_only_since(seen):
        return "Close only"
    late = seen.now - seen.sign > seen.limit
    return "Late" if late else "Online" if _wrote(seen) else "Starting"


def close_only_since(seen: Seen) -> datetime | None:
    """Of events that nothing has ended since."""
    told = sorted(seen.events(DAY), key=_order)
    cleared = [row for row in told if (row["error_code"] or "").endswith("_CLEARED")]
    ends = [(one["start_time"], one["end_time"]) for one in seen.bot.sessions if one["end_time"]]
    holding = [
        row["timestamp"]
        for row in told
        if row["error_code"] in CLOSE_ONLY
        and not any(_order(one) > _order(row) for one in cleared)
        and not any(start <= row["timestamp"] <= end <= seen.now for start, end in ends)
    ]
    return holding[0] if holding else None


def _order(row: Row) -> tuple[datetime, int]:
    return row["timestamp"], row["id"]


def _wrote(seen: Seen) -> bool:
    """Anything since the newest session began."""
    newest = seen.bot.sessions[-1]
    return any(at >= newest["start_time"] for at in signs(seen.rows, newest, seen.now))


def status(seen: Seen) -> str:
    found = state(seen)
    failed = any(_is_error(row) for row in seen.events(GRACE + timedelta(microseconds=1)))
    if found in ("Offline", "Ended"):
        return "Offline"
    return "Error" if found in ("Halted", "Close only") or failed else "Online"


def _is_error(row: Row) -> bool:
    return (row["severity"] or "").lower() in ("error", "critical")


# Alerts


def alerts(seen: Seen) -> set[Line]:
    return {line for rule in RULES for line in rule(seen)}


def _engine_silent(seen: Seen) -> Iterator[Line]:
    if seen.mode != "BACKTEST" and not seen.ended and seen.silent:
        yield Line("engine_silent", None, "critical" if seen.open else "warning", 1, seen.sign)


def _halted(seen: Seen) -> Iterator[Line]:
    if state(seen) == "Halted":
        yield Line("halted", None, "critical", 1, seen.rows["system_control_flags"][-1]["updated_at"])


def _close_only(seen: Seen) -> Iterator[Line]:
    if state(seen) == "Close only":
        yield Line("close_only", None, "critical", 1, close_only_since(seen))


def _no_live_stop(seen: Seen) -> Iterator[Line]:
    places = any(row["order_type"] == "STOP_LOSS" for row in seen.bot.of("orders"))
    places = places or any(seen.orders(row["id"]) for row in seen.open)
    bare = [row for row in seen.open if not row["stop_loss"] or (places and not _guarded(seen, row))]
    yield from _positions("no_live_stop", "critical", [
        row["entry_time"] for row in bare
        if seen.mode == "LIVE" and not seen.ended and seen.now - row["entry_time"] > MINUTE
    ])  # fmt: skip


def _guarded(seen: Seen, position: Row) -> bool:
    newest = seen.orders(position["id"])[-1:]
    return any(row["status"] not in FINISHED for row in newest)


def _orphan_positions(seen: Seen) -> Iterator[Line]:
    kept = [row["id"] for bot in seen.all_bots if not _over(bot, seen.now) for row in plain.held(bot)]
    papers = [row["id"] for bot in seen.all_bots if bot.sessions[0]["mode"] != "LIVE" for row in plain.held(bot)]
    left = [row for row in seen.rows["positions"] if row["status"] == "OPEN" and row["id"] not in kept + papers]
    yield from _positions("orphan_positions", "critical", [row["entry_time"] for row in left if seen.mode == "LIVE"])


def _over(bot: ScopeRows, now: datetime) -> bool:
    end = bot_end(bot, now)
    return end is not None and now - end >= GRACE


def _drawdown_limit(seen: Seen) -> Iterator[Line]:
    wanted, points = seen.bot.sessions[-1]["strategy_config"], plain.curve(seen.bot, seen.now)
    if not wanted or not points or seen.ended:
        return
    depths, peak = [], float(seen.bot.initial)
    for row, value in points:
        peak = max(peak, value)
        # Of the equity of now nobody knows since when.
        depths.append(((1 - value / peak) * 100, row["timestamp"] if "id" in row else None))
    for severity, percent in (("critical", 20.0), ("warning", 15.0)):
        deep = list(takewhile(lambda one: one[0] >= percent - 1e-9, reversed(depths)))  # noqa: B023
        if deep:
            yield Line("drawdown_limit", None, severity, 1, deep[-1][1])
            return


def _price_unknown(seen: Seen) -> Iterator[Line]:
    bare = [row["last_update"] or row["entry_time"] for row in seen.open if row["current_price"] is None]
    yield from _positions("price_unknown", "warning", [] if seen.ended else bare)


def _price_old(seen: Seen) -> Iterator[Line]:
    if state(seen) in ("Online", "Close only"):
        priced = [row for row in seen.open if row["current_price"] is not None]
        old = [row["last_update"] or row["entry_time"] for row in priced if not _is_fresh(seen, row)]
        yield from _positions("price_old", "warning", old)


def _is_fresh(seen: Seen, row: Row) -> bool:
    at = row["last_update"]
    lives = seen.now - seen.sign <= seen.limit
    return lives and at is not None and seen.sign - at <= timedelta(minutes=5) and at <= seen.now + MINUTE


def _orders_failed(seen: Seen) -> Iterator[Line]:
    bad = [row for row in seen.bot.of("orders") if row["status"] in ("FAILED", "UNKNOWN", "UNRESOLVED")]
    times = [row["last_update"] or row["created_at"] for row in bad]
    yield from _positions("orders_failed", "warning", [at for at in times if seen.now - HOUR < at <= seen.now + MINUTE])


def _errors(seen: Seen) -> Iterator[Line]:
    found = [row for row in seen.events(HOUR) if _is_error(row)]
    for code in {row["error_code"] for row in found}:
        of_code = [row for row in found if row["error_code"] == code]
        worst = "critical" if any(row["severity"].lower() == "critical" for row in of_code) else "error"
        yield Line("errors", code, worst, len(of_code), min(row["timestamp"] for row in of_code))


def _reconciliation(seen: Seen) -> Iterator[Line]:
    found = [row for row in plain.events(seen.bot, seen.now, "reconciliation_audit_events")
             if row["timestamp"] > seen.now - DAY and row["severity"] in ("HIGH", "CRITICAL")]  # fmt: skip
    worst = "critical" if any(row["severity"] == "CRITICAL" for row in found) else "warning"
    yield from _positions("reconciliation", worst, [row["timestamp"] for row in found])


def _books(seen: Seen) -> Iterator[Line]:
    for since in books_reference.disagree_since(seen.bot, seen.now):
        yield Line("books", None, "warning", 1, since)


def _correction(seen: Seen) -> Iterator[Line]:
    known = plain.balances(seen.bot, seen.now)
    found = books_reference.corrections(seen.bot, seen.now) if known else []
    times = [one.at for one in found if seen.now - DAY < one.at <= seen.now + MINUTE
             and one.id not in seen.bot.kinds and abs(one.amount) > known[-1][3] / 10_000 > 0]  # fmt: skip
    yield from _positions("correction", "info", times)


def _another_live_bot(seen: Seen) -> Iterator[Line]:
    for bot in seen.all_bots if seen.mode == "LIVE" else []:
        other = Seen(bot, seen.all_bots, seen.now)
        if bot is not seen.bot and other.mode == "LIVE" and not other.ended:
            severity = "critical" if other.silent and other.open else "info"
            yield Line("another_live_bot", str(bot.sessions[0]["id"]), severity, 1, None)


def _positions(code: str, severity: str, times: list[datetime]) -> Iterator[Line]:
    if times:
        yield Line(code, None, severity, len(times), min(times))


RULES: tuple[Callable[[Seen], Iterator[Line]], ...] = (
    _engine_silent, _halted, _close_only, _no_live_stop, _orphan_positions, _drawdown_limit, _price_unknown,
    _price_old, _orders_failed, _errors, _reconciliation, _books, _correction,
    _another_live_bot,
)  # fmt: skip
