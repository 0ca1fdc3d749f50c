"""Reads what happened besides events, as lines of the stream: each function gives lines of one kind.

They are read below a place, at most so many, and none older than a moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg

from monitoring.database.capabilities import Columns
from monitoring.database.owners import owner
from monitoring.metrics.activity import ALERT, CLOSED, FINDING, PART, STARTED, STOP, STOPPED, Line, Place
from monitoring.metrics.alerts import alerts_of
from monitoring.metrics.position_row import direction, finite
from monitoring.projections.trade_filter import TradeFilter, TradePlace
from monitoring.projections.trades import NEEDS as TRADES_NEED
from monitoring.sections.event_scope import OF_SCOPE, scope_arguments
from monitoring.sections.position_rows import POSITION, clean, lower
from monitoring.sections.reconciliation import found_value
from monitoring.sections.section import Context
from monitoring.sections.trade_rows import Trade, read_trades
from monitoring.sections.troubles import read_states

STOPS = """
SELECT o.id::bigint AS id, o.created_at AS at, o.price::numeric AS price, before.price AS was, {columns}
FROM orders o
JOIN LATERAL (
    SELECT b.price::numeric AS price FROM orders b
    WHERE b.position_id = o.position_id AND b.order_type::text = 'STOP_LOSS' AND b.price > 0 AND b.price <> 'NaN'
      AND (b.created_at < o.created_at OR b.created_at = o.created_at AND b.id < o.id)
    ORDER BY b.created_at DESC, b.id DESC LIMIT 1
) before ON before.price <> o.price
JOIN positions p ON p.id = o.position_id
WHERE o.order_type::text = 'STOP_LOSS' AND o.price > 0 AND o.price <> 'NaN' AND o.created_at >= $2
  AND o.created_at <= $3 AND (o.created_at < $3 OR o.id < $4::bigint) AND {owner} = ANY($1::bigint[])
ORDER BY o.created_at DESC, o.id DESC LIMIT $5
"""
PARTS = """
SELECT t.id::bigint AS id, t.timestamp AS at, t.operation_type::text AS operation, t.price::numeric AS price,
       t.size::numeric AS part, {pnl} AS pnl, {columns}
FROM partial_trades t JOIN positions p ON p.id = t.position_id
WHERE t.timestamp >= $2 AND t.timestamp <= $3 AND (t.timestamp < $3 OR t.id < $4::bigint)
  AND {owner} = ANY($1::bigint[])
ORDER BY t.timestamp DESC, t.id DESC LIMIT $5
"""
FINDINGS = f"""
SELECT id::bigint AS id, timestamp AS at, upper(severity::text) AS severity, entity_type::text AS entity,
       field::text AS field, {{old}} AS old, {{new}} AS new, reason
FROM reconciliation_audit_events
WHERE {OF_SCOPE} AND timestamp >= $4 AND timestamp <= $5 AND (timestamp < $5 OR id < $6::bigint)
  AND upper(severity::text) IN ('HIGH', 'CRITICAL')
ORDER BY timestamp DESC, id DESC LIMIT $7
"""
SESSIONS = "SELECT {columns} FROM trading_sessions WHERE id = ANY($1::bigint[])"
SESSION: Columns = {"id": "bigint", "start_time": "timestamp", "end_time": "timestamp"}
POSITION_TERMS = {
    name: POSITION[name] for name in ("id", "symbol", "side", "entry_price", "original_size", "quantity", "stop_loss")
}
OF_STATE = frozenset({
    *("drawdown_limit", "engine_silent", "halted", "no_live_stop", "price_old", "price_unknown"),
})  # fmt: skip
"""Alerts that no other line tells of."""
RESTART_SPAN = timedelta(minutes=15)
"""An engine that comes back within it was restarted."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which lines are wanted."""

    below: Place
    oldest: datetime
    count: int

    def of(self, kind: str) -> tuple[datetime, datetime, int, int]:
        """The oldest time, the place below which they are, and how many: the last parameters of a query."""
        return self.oldest, *self.below.bound(kind), self.count


async def read_closed(context: Context, window: Window) -> list[Line]:
    if context.capabilities.fault("trades", *TRADES_NEED):
        return []
    wanted = TradeFilter(since=window.oldest, after=TradePlace(*window.below.bound(CLOSED)), limit=window.count)
    trades = await read_trades(context.connection, context.capabilities, context.state, wanted)
    return [_closed(trade) for trade in trades]


def _closed(trade: Trade) -> Line:
    net, row = trade.net_pnl, trade.row
    level = "" if not net else "won" if net > 0 else "lost"
    details = {"symbol": row["symbol"], "side": trade.side, "reason": row["exit_reason"], "held": trade.duration}
    return Line(row["exit_time"], CLOSED, row["id"], level, details, net)


async def read_stops(context: Context, window: Window) -> list[Line]:
    """Stops that were moved: a stop order at another price than the one before."""
    if not context.capabilities.has("orders", "id", "position_id", "order_type", "price", "created_at"):
        return []
    return [_stop(row) for row in await _of_positions(context, STOPS, window.of(STOP))]


def _stop(row: Mapping[str, object]) -> Line:
    price, was, entry = (finite(row[name]) for name in ("price", "was", "entry_price"))
    sign, way = direction(row), "moved"
    if price is not None and was is not None:
        into_profit = entry is not None and (price - entry) * sign > 0
        way = "moved away" if (price - was) * sign < 0 else "trailed into profit" if into_profit else "trailed"
    details = {**market_of(row), "price": price, "was": was, "way": way}
    return Line(time_of(row["at"]), STOP, int(str(row["id"])), details=details)


async def read_parts(context: Context, window: Window) -> list[Line]:
    """Partial exits, with the P&L that they took before costs, and scale-ins."""
    if not context.capabilities.has("partial_trades", "id", "position_id", "operation_type", "timestamp"):
        return []
    pnl = context.capabilities.column("partial_trades", "pnl", "numeric", "t")
    return [_part(row) for row in await _of_positions(context, PARTS, window.of(PART), pnl=pnl)]


def _part(row: Mapping[str, object]) -> Line:
    part, original, pnl = (finite(row[name]) for name in ("part", "original_size", "pnl"))
    exits = str(row["operation"]).upper() == "PARTIAL_EXIT"
    share = part / original * 100 if part is not None and original else None
    details = {**market_of(row), "price": finite(row["price"]), "share": share, "exits": exits}
    level = "won" if exits and pnl and pnl > 0 else "lost" if exits and pnl else ""
    return Line(time_of(row["at"]), PART, int(str(row["id"])), level, details, pnl if exits else None)


async def _of_positions(context: Context, query: str, window: Sequence[object], **more: str) -> list[dict[str, object]]:
    """Rows of the positions of the scope, as ``query`` finds them."""
    capabilities = context.capabilities
    if not capabilities.has("positions", "id", "session_id"):
        return []
    terms = {name: kind for name, kind in POSITION_TERMS.items() if name != "id"}
    columns = capabilities.columns("positions", terms, "p") + ", p.id::bigint AS position"
    text = query.format(columns=columns, owner=owner_of_position(context), **more)
    return [clean(row) for row in await context.connection.fetch(text, context.state.session.ids, *window)]


def owner_of_position(context: Context) -> str:
    return owner(context.capabilities, "positions", "p")


def market_of(row: Mapping[str, object]) -> dict[str, object]:
    return {"symbol": row["symbol"], "side": lower(row["side"]), "position": row.get("position", row["id"])}


async def read_findings(context: Context, window: Window) -> list[Line]:
    """What the reconciliation with the exchange found that asks for a person."""
    capabilities = context.capabilities
    if not capabilities.has("reconciliation_audit_events", "id", "timestamp", "session_id", "severity"):
        return []
    old, new = (capabilities.column("reconciliation_audit_events", f"{name}_value", "text") for name in ("old", "new"))
    scope = scope_arguments(context.state, context.now)
    rows = await context.connection.fetch(FINDINGS.format(old=old, new=new), *scope, *window.of(FINDING))
    return [_finding(row) for row in rows]


def _finding(row: asyncpg.Record) -> Line:
    level = "error" if row["severity"] == "CRITICAL" else "warning"
    values = {name: found_value(row["field"], row[name]) for name in ("old", "new")}
    return Line(row["at"], FINDING, row["id"], level, {**row, **values})


async def read_restarts(context: Context) -> list[Line]:
    """The starts and ends of the sessions of the scope."""
    session = context.state.session
    columns = context.capabilities.columns("trading_sessions", SESSION)
    rows = await context.connection.fetch(SESSIONS.format(columns=columns), session.ids)
    numbers = {number: place for place, number in enumerate(session.ids, 1)}
    return [line for row in rows for line in _restart(row, numbers, context.now)]


def _restart(row: asyncpg.Record, numbers: Mapping[int, int], now: datetime) -> Iterator[Line]:
    details = {"run": numbers[row["id"]], "runs": len(numbers)}
    if row["start_time"] is not None:
        yield Line(row["start_time"], STARTED, row["id"], details=details)
    if row["end_time"] is not None and row["end_time"] <= now:
        yield Line(row["end_time"], STOPPED, row["id"], details=details)


def as_restarts(lines: Sequence[Line]) -> list[Line]:
    """The same, but a stop that a start follows soon is a part of its line: the engine was restarted."""
    stops = {_run(line): line.at for line in lines if line.kind == STOPPED}
    pauses = {_run(line): line.at - stops[_run(line) - 1] for line in lines if line.kind == STARTED
              and _run(line) - 1 in stops}  # fmt: skip
    soon = {run: pause for run, pause in pauses.items() if timedelta(0) <= pause <= RESTART_SPAN}
    return [
        replace(line, details={**line.details, "pause": soon[_run(line)]})
        if line.kind == STARTED and _run(line) in soon
        else line
        for line in lines
        if line.kind != STOPPED or _run(line) + 1 not in soon
    ]


def _run(line: Line) -> int:
    """The number of its session in the bot."""
    return int(str(line.details["run"]))


async def read_alerts_of_state(context: Context) -> list[Line]:
    """Alerts that hold now, at the time since when they do."""
    alerts = alerts_of(await read_states(context), context.config_file.mute)
    found = [one for one in alerts if one.code in OF_STATE and not one.muted and one.since is not None]
    return [
        Line(
            one.since, ALERT, number, _level(one.severity), {"text": one.text, "code": one.code, "subject": one.subject}
        )
        for number, one in enumerate(found)
        if one.since is not None
    ]


def _level(severity: str) -> str:
    return {"critical": "error", "error": "error", "warning": "warning"}.get(severity, "")


def time_of(value: object) -> datetime:
    assert isinstance(value, datetime), "the query leaves out rows without a time"
    return value


def within(lines: Sequence[Line], window: Window) -> list[Line]:
    """Those of some lines that stand in a window."""
    return [line for line in lines if line.place < window.below and line.at >= window.oldest]
