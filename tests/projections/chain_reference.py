"""Which sessions are one bot, the plain way: the rules of chains read off one by one, over all rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import asyncpg

TABLES = ("trading_sessions", "trades", "account_history", "account_balances", "positions", "orders", "partial_trades",
          "strategy_executions", "system_events", "system_control_flags", "reconciliation_audit_events")  # fmt: skip
SIGNS = (("account_history", "timestamp"), ("strategy_executions", "timestamp"), ("positions", "last_update"),
         ("system_events", "timestamp"))  # fmt: skip
MINUTE, WEEK = timedelta(minutes=1), timedelta(days=7)

Row = Any
Rows = dict[str, list[Row]]
Kinds = Mapping[int | str, str]
"""What the operator says that corrections were, by id of the row or ``session:S``."""


async def read_rows(connection: asyncpg.Connection) -> Rows:
    """Everything there is."""
    return {table: await connection.fetch(f"SELECT * FROM {table} ORDER BY id") for table in TABLES}


@dataclass(frozen=True)
class ScopeRows:
    """The rows of one bot, or of one session alone."""

    sessions: list[Row]
    rows: Rows
    gaps: list[tuple[Row, Row, Decimal]]
    """A session, the one that goes on with it, and the last balance of the former then."""
    is_bot: bool = True
    kinds: Kinds = field(default_factory=dict)

    @property
    def initial(self) -> Decimal:
        return self.sessions[0]["initial_balance"]

    def of(self, table: str) -> list[Row]:
        ids = {session["id"] for session in self.sessions}
        return [row for row in self.rows[table] if owner(self.rows, table, row) in ids]


def owner(rows: Rows, table: str, row: Row) -> int | None:
    """The session that a row names; where it names none, that of its position, or of the newest order of that."""
    own = row.get("session_id")
    if own is not None or table not in ("positions", "orders", "trades", "partial_trades"):
        return own
    position = row["id"] if table == "positions" else row["position_id"]
    named = [other["session_id"] for other in rows["positions"] if other["id"] == position]
    if table != "orders":
        orders = [order for order in rows["orders"] if position is not None and order["position_id"] == position]
        named += [order["session_id"] for order in reversed(orders)]
    return next((session for session in named if session is not None), None)


def alone(rows: Rows, session: Row, kinds: Kinds | None = None) -> ScopeRows:
    return ScopeRows([session], rows, [], is_bot=False, kinds=kinds or {})


def bots(rows: Rows, now: datetime, kinds: Kinds | None = None) -> list[ScopeRows]:
    """Every session in exactly one of them."""
    in_order = sorted(rows["trading_sessions"], key=_start)
    after: dict[int, Row] = {}
    """By id of a session the one that goes on with it."""
    for rule in (_same, _similar):
        for later in in_order:
            if later in after.values():
                continue
            free = [one for one in in_order if one["id"] not in after and _in_time(rows, one, later, now)]
            fits = [one for one in free if rule(rows, one, later, now)]
            if fits:
                after[max(fits, key=lambda one: (ended(rows, one, now), one["id"]))["id"]] = later
    followers = list(after.values())
    return [_bot(rows, _chain(first, after), kinds or {}) for first in in_order if first not in followers]


def _chain(first: Row, after: dict[int, Row]) -> list[Row]:
    chain = [first]
    while chain[-1]["id"] in after:
        chain.append(after[chain[-1]["id"]])
    return chain


def _bot(rows: Rows, chain: list[Row], kinds: Kinds) -> ScopeRows:
    gaps = [(one, other, last_balance(rows, one, other["start_time"])) for one, other in pairwise(chain)]
    return ScopeRows(chain, rows, gaps, kinds=kinds)


def ended(rows: Rows, session: Row, now: datetime) -> datetime:
    """Its end, or its last sign of life."""
    end = session["end_time"]
    return end if end is not None and end <= now else last_sign(rows, session, now)


def bot_end(bot: ScopeRows, now: datetime) -> datetime | None:
    """None while it has not ended; what nobody ended counts as ended after a week of silence."""
    newest = bot.sessions[-1]
    if newest["end_time"] is not None and newest["end_time"] <= now:
        end: datetime = newest["end_time"]
        return end
    sign = max(last_sign(bot.rows, session, now) for session in bot.sessions)
    return sign if now - sign > WEEK else None


def last_sign(rows: Rows, session: Row, now: datetime) -> datetime:
    return max([session["start_time"], *signs(rows, session, now)])


def signs(rows: Rows, session: Row, now: datetime) -> list[datetime]:
    """When it wrote rows, and those of positions that its orders name."""
    own = [
        (table, row)
        for table in rows
        for row in rows[table]
        if (owner(rows, table, row) if table == "positions" else row.get("session_id")) == session["id"]
    ]
    times = [row[column] for table, column in SIGNS for of, row in own if of == table and not _is_dashboards(of, row)]
    times += [row["created_at"] or row["exit_time"] for of, row in own if of == "trades"]
    return [at for at in times if at is not None and at <= now + MINUTE]


def _is_dashboards(table: str, row: Row) -> bool:
    """A balance that the operator set."""
    return table == "system_events" and (row["event_type"], row["component"]) == ("BALANCE_ADJUSTMENT", "dashboard")


def last_balance(rows: Rows, session: Row, at: datetime) -> Decimal:
    """Of two tables at one moment the balances are newer, of two rows the larger id."""
    booked = [
        (row["last_updated"], 1, row["id"], row["total_balance"]) for row in _of(rows, session, "account_balances")
    ]
    seen = [(row["timestamp"], 0, row["id"], row["balance"]) for row in _of(rows, session, "account_history")]
    before = [found for found in booked + seen if found[0] <= at]
    return max(before)[-1] if before else session["initial_balance"]


def _of(rows: Rows, session: Row, table: str) -> Iterable[Row]:
    return (row for row in rows[table] if row["session_id"] == session["id"])


def _start(session: Row) -> tuple[datetime, int]:
    return session["start_time"], session["id"]


def _in_time(rows: Rows, earlier: Row, later: Row, now: datetime) -> bool:
    if earlier["mode"] != later["mode"] or earlier["mode"] == "BACKTEST" or _start(earlier) >= _start(later):
        return False
    if earlier["exchange"] != later["exchange"]:
        return False
    end, start = ended(rows, earlier, now), later["start_time"]
    return end <= start + MINUTE and start - end <= WEEK


def _symbols(session: Row) -> set[str]:
    return {part.strip() for part in session["symbol"].split(",")}


def _same(rows: Rows, earlier: Row, later: Row, _now: datetime) -> bool:
    same = earlier["strategy_name"] == later["strategy_name"] and _symbols(earlier) == _symbols(later)
    return same and (later["mode"] != "PAPER" or _continues(rows, earlier, later))


def _similar(rows: Rows, earlier: Row, later: Row, now: datetime) -> bool:
    """What nobody ended must have been silent for twice as long as it may be."""
    closed = earlier["end_time"] is not None and earlier["end_time"] <= now
    over = closed or now - last_sign(rows, earlier, now) > 2 * limit(rows, [earlier], now)
    one = earlier["strategy_name"] == later["strategy_name"] or _symbols(earlier) == _symbols(later)
    return over and one and _continues(rows, earlier, later)


def limit(rows: Rows, sessions: list[Row], now: datetime) -> timedelta:
    """Learned from snapshots and from decisions; where neither is regular, from the timeframe: an hour in tests."""
    ids = {session["id"] for session in sessions}
    snapshots = [row for row in rows["account_history"] if not _is_booking(row)]
    rhythms = []
    for written in (snapshots, rows["strategy_executions"]):
        times = sorted(row["timestamp"] for row in written if row["session_id"] in ids)
        rhythm = _rhythm([at for at in times if at <= now + MINUTE])
        rhythms += [rhythm] if rhythm else []
    if not rhythms:
        return 75 * MINUTE
    return max(5 * MINUTE, min(30 * MINUTE, 3 * min(rhythms)), 1.25 * min(rhythms))


def _rhythm(times: list[datetime]) -> timedelta | None:
    beats: list[datetime] = []
    for at in times:
        if not beats or at - beats[-1] >= timedelta(seconds=30):
            beats.append(at)
    gaps = sorted(later - earlier for earlier, later in pairwise(beats[-30:]))
    if len(gaps) < 10:
        return None
    middle = (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2
    return middle if 5 * sum(gap <= 2 * middle for gap in gaps) >= 4 * len(gaps) else None


def _is_booking(row: Row) -> bool:
    flat = not any(row[name] for name in ("total_pnl", "drawdown", "margin_used", "open_positions", "total_exposure"))
    return flat and row["equity"] == row["balance"] and bool(row["daily_pnl"])


def _continues(rows: Rows, earlier: Row, later: Row) -> bool:
    last = last_balance(rows, earlier, later["start_time"])
    return abs(later["initial_balance"] - last) <= Decimal("0.005") * abs(last)
