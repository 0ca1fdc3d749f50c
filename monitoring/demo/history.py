"""Fills an empty database with months of a believable past that ends now, the same for the same seed."""

import asyncio
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter

import asyncpg
import numpy as np

from monitoring.demo import records, story, traces
from monitoring.demo.curves import curves, snapshot_minutes, snapshots
from monitoring.demo.market import SYMBOLS, Prices, past
from monitoring.demo.money import exact
from monitoring.demo.past import Past, PastTrader
from monitoring.demo.records import Row
from monitoring.demo.sessions import Script, scripts

DAYS = 120
SEED = 150
"""Chosen among many: its account rises modestly, with one drawdown that one sees and a recovery."""

Progress = Callable[[float, str], None]
Tables = dict[str, list[Row]]
ORDER = {
    "trading_sessions": "id",
    "positions": "entry_time",
    "trades": "exit_time",
    "orders": "created_at",
    "account_balances": "last_updated",
    "performance_metrics": "period_start",
    "system_control_flags": "created_at",
    "correlation_matrix": "symbol_pair",
    "portfolio_exposures": "correlation_group",
}
"""What a table's rows are ordered by, so that their ids grow with time; ``timestamp`` where nothing is said."""
GROUPS = {"majors": SYMBOLS[:2], "alternatives": SYMBOLS[2:]}


async def seed_history(
    connection: asyncpg.Connection, now: datetime, progress: Progress, *, days: int = DAYS, seed: int = SEED
) -> None:
    """All of the past or none of it; ``connection`` belongs to a superuser, ``now`` is naive UTC."""
    progress(0.0, "inventing the past")
    tables = await asyncio.to_thread(invent, now, days, seed)
    async with connection.transaction():
        # Foreign keys hold by construction; checking each costs more than everything else.
        await connection.execute("SET LOCAL session_replication_role = replica")
        for number, (table, rows) in enumerate(tables.items()):
            progress(0.4 + 0.5 * number / len(tables), f"writing {table.replace('_', ' ')}")
            await _copy(connection, table, rows)
    progress(0.95, "gathering statistics")
    await connection.execute("ANALYZE")


async def _copy(connection: asyncpg.Connection, table: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    source = await asyncio.to_thread(_as_csv, rows)
    await connection.copy_to_table(table, source=source, columns=list(rows[0]), format="csv")
    if "id" in rows[0]:
        await connection.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")


def _as_csv(rows: Sequence[Row]) -> io.BytesIO:
    text = io.StringIO()
    csv.writer(text).writerows(row.values() for row in rows)
    return io.BytesIO(text.getvalue().encode())


def invent(now: datetime, days: int = DAYS, seed: int = SEED) -> Tables:
    """The rows of every table, oldest first."""
    minutes = days * 1_440
    start = now.replace(second=0, microsecond=0) - timedelta(minutes=minutes + 1)
    generator = np.random.default_rng(seed)
    prices = past(generator, minutes + 1)
    played = [(script, PastTrader(prices, start, script.plan, generator).run()) for script in scripts(start, minutes)]
    _number_positions(played)
    tables: Tables = {}
    for script, happened in played:
        for table, rows in _session_rows(script, happened, prices, start, generator):
            tables.setdefault(table, []).extend(rows)
    for table, rows in _common_rows(played[0], prices, start + timedelta(minutes=minutes)):
        tables.setdefault(table, []).extend(rows)
    for table, rows in tables.items():
        rows.sort(key=itemgetter(ORDER.get(table, "timestamp")))
    return tables


def _number_positions(played: Sequence[tuple[Script, Past]]) -> None:
    """Ids in order of opening, over the sessions that wrote positions."""
    trades = [trade for script, happened in played if script.live for trade in happened.trades]
    for number, trade in enumerate(sorted(trades, key=lambda trade: trade.holding.opened), 1):
        trade.holding.id = number


def _session_rows(
    script: Script, happened: Past, prices: Prices, start: datetime, generator: np.random.Generator
) -> Iterable[tuple[str, Iterable[Row]]]:
    info, plan = script.session, script.plan
    end = script.ended or start + timedelta(minutes=plan.last)
    yield "trading_sessions", [_session_row(script, happened)]
    yield "trades", traces.trade_rows(info, happened, positions=script.live)
    if not script.live:
        yield "system_events", [story.started(info, info.started)]
        return
    minutes = snapshot_minutes(plan, every=script.every, minutely_for=script.minutely_for)
    pause = None
    if plan.pause:
        pause = (start + timedelta(minutes=plan.pause[0]), start + timedelta(minutes=plan.pause[1]))
    yield "positions", traces.position_rows(info, happened, prices, end)
    yield "orders", traces.order_rows(info, happened, generator)
    yield "partial_trades", traces.partial_rows(happened)
    yield "account_history", snapshots(info, curves(happened, plan, prices), minutes, start)
    yield "account_history", traces.audit_rows(info, happened)
    yield "account_balances", traces.balance_rows(info, happened)
    yield "system_events", story.diary(info, happened, pause, end, generator)
    yield "risk_adjustments", story.adjustments(info, happened)
    yield "dynamic_performance_metrics", traces.lesson_rows(info, happened, end)
    yield "performance_metrics", traces.daily_rows(info, happened)


def _session_row(script: Script, happened: Past) -> Row:
    row = records.session(script.session, script.config)
    if script.ended:
        closings = [trade.closing for trade in happened.trades if trade.closing]
        final = happened.bookings[-1].balance
        row |= {
            "end_time": script.ended,
            "is_active": False,
            "final_balance": final,
            "total_pnl": final - script.session.balance,
            "total_trades": len(closings),
            "win_rate": exact(100 * sum(closing.net > 0 for closing in closings) / len(closings)),
            "updated_at": script.ended,
        }
    return row


def _common_rows(live: tuple[Script, Past], prices: Prices, end: datetime) -> Iterable[tuple[str, Iterable[Row]]]:
    """What is not written a session, or only by the running one."""
    info, happened = live[0].session, live[1]
    start = end - timedelta(minutes=len(prices) - 1)
    yield "strategy_executions", traces.execution_rows(info, prices, start, every=5, lately=3 * 1440)
    yield "correlation_matrix", story.correlations(prices, end)
    held = [trade.holding for trade in happened.trades if trade.closing is None]
    for name, symbols in GROUPS.items():
        exposures = [float(h.left * h.entry_price) for h in held if h.symbol in symbols]
        yield "portfolio_exposures", [story.exposure_group(name, symbols, sum(exposures), len(exposures), end)]
    yield (
        "system_control_flags",
        [{"name": "system_halt", "active": False, "reason": None, "source": "cli:operator", "created_at": start}],
    )
    yield (
        "reconciliation_audit_events",
        [story.reconciled(info, booking) for booking in happened.bookings if booking.by == "system"],
    )
