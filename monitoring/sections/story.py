"""The story of one trade, from the decision to what it made; of an open position as far as it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from monitoring.metrics.equity_now import is_fresh
from monitoring.metrics.reported import RiskAdjustment
from monitoring.projections.trade_filter import TradeFilter
from monitoring.projections.trade_places import NamedTrade, beside, closing
from monitoring.scope_key import MAX_ID
from monitoring.sections import story_log, story_rows
from monitoring.sections.risk_factor import ADJUSTMENTS_NEED, read_adjustment
from monitoring.sections.section import BadParameter, Context, Section
from monitoring.story import orders
from monitoring.story.chart import MARGINS, PriceChart, price_chart, shown_span
from monitoring.story.deal import Deal, Row, of_position, of_trade
from monitoring.story.decision import decision_of
from monitoring.story.points import extremes
from monitoring.story.results import Made, Quality, made_of_position, made_of_trade, quality
from monitoring.story.steps import Rows, Step, fills, left_out, steps

NO_PRICES = "The engine logged too few prices of this market around it for a chart."
NEIGHBOURS = """
SELECT id::bigint AS id, symbol::text AS symbol, upper(side::text) AS side FROM positions
WHERE id = ANY($1::bigint[]) ORDER BY entry_time, id
"""


@dataclass(frozen=True, slots=True)
class Alike:
    """The closed trades of the same market, side and exit reason; of an open position those of market and side."""

    count: int
    unknown: int
    """Of them those whose P&L is unknown: they are in neither of the figures."""
    won_percent: float | None
    average: Decimal | None


@dataclass(frozen=True, slots=True)
class Story:
    deal: Deal
    steps: Sequence[Step]
    left_out: Sequence[str]
    """What cannot be told, and why."""
    made: Made
    quality: Quality
    chart: PriceChart | None
    no_chart: str
    alike: Alike | None
    """None while the trades are still being read."""
    earlier: NamedTrade | None
    later: NamedTrade | None
    """Trades of the bot; of an open position its other open positions."""
    is_stale: bool
    """The price of an open position is not fresh."""
    closed_unknown: str | None
    """Why it is not known how a position was closed; None of one that is open, and of a trade."""


@dataclass(frozen=True, slots=True)
class NoStory:
    """There is none, and why."""

    why: str
    owner: int | None = None
    """A session that it belongs to, of another bot."""


async def load(context: Context) -> Story | NoStory:
    trade, position = (_id(context, name) for name in ("trade", "position"))
    if trade is None and position is None:
        trade, position = _newest(context)
    if trade is None and position is not None:
        trade = closing(context.state.trades, position)
    if trade is not None:
        return await _of_trade(context, trade)
    return await _of_position(context, position) if position is not None else NoStory("No trade has been closed yet.")


def _id(context: Context, name: str) -> int | None:
    text = context.arguments.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 100):
        raise BadParameter(f"{name}={text[:20]}: expected the id of a {name}")
    return min(int(text), MAX_ID)


def _newest(context: Context) -> tuple[int | None, int | None]:
    """The trade that was closed last, else an open position."""
    trades, positions = context.state.trades, context.state.positions.open_ids
    wanted = TradeFilter(limit=1)
    found = trades.select(wanted) if trades.selects(wanted) else []
    return (found[0], None) if found else (None, positions[-1] if positions else None)


async def _of_trade(context: Context, number: int) -> Story | NoStory:
    trade = await story_rows.read_trade(context, number)
    if trade is None or trade["owner"] not in context.state.session.ids:
        return _none(trade, f"trade {number}")
    named = await story_rows.position_of(context, trade)
    readable = named is not None and context.capabilities.has("positions", "id", "status")
    position = await story_rows.read_position(context, named) if readable and named is not None else None
    rows = await story_rows.read_rows(context, trade, position)
    at_risk, balance = await story_rows.read_at_risk(context, number)
    return await _told(context, of_trade(trade, position, rows.orders, at_risk, balance), rows)


async def _of_position(context: Context, number: int) -> Story | NoStory:
    position = await story_rows.read_position(context, number)
    if position is None or position["owner"] not in context.state.session.ids:
        return _none(position, f"position {number}")
    rows = await story_rows.read_rows(context, None, position)
    return await _told(context, of_position(position, rows.orders), rows)


def _none(row: Row | None, what: str) -> NoStory:
    """``row``: of another bot, if there is one."""
    if row is None:
        return NoStory(f"There is no {what}.")
    owner = row["owner"]
    if not isinstance(owner, int):
        return NoStory(f"The {what} belongs to no session, and so to no bot.")
    return NoStory(f"The {what} is not one of this bot.", owner)


async def _told(context: Context, deal: Deal, rows: Rows) -> Story:
    decisions = await story_log.read_decisions(context, deal)
    decision = decision_of(deal, decisions, await _adjustment(context, deal) if decisions else None)
    parts = orders.parts(rows.position, rows.partials, rows.orders) if rows.position is not None else []
    points = extremes(deal, rows.trade, rows.position)
    earlier, later = await _neighbours(context, deal)
    told = steps(deal, rows, decision, parts, points)
    return Story(
        deal=deal,
        steps=told,
        left_out=left_out(deal, rows, decision, points),
        made=made_of_trade(deal, rows.trade, rows.position, rows.orders, parts)
        if rows.trade is not None
        else made_of_position(deal, rows.orders, parts),
        quality=quality(deal, points),
        chart=await _chart(context, deal, told),
        no_chart=NO_PRICES,
        alike=_alike(context, deal),
        earlier=earlier,
        later=later,
        is_stale=deal.is_open and not is_fresh(context.facts, deal.until),
        closed_unknown=_closed_unknown(context, rows),
    )


def _closed_unknown(context: Context, rows: Rows) -> str | None:
    if rows.trade is not None or rows.position is None or rows.position["status"] == "OPEN":
        return None
    return "closed, and no trade tells how" if context.state.trades.complete else "closed; trades are still being read"


async def _adjustment(context: Context, deal: Deal) -> RiskAdjustment | None:
    """Of the size of the entry: by 1 where the engine logged none; None where that cannot be read."""
    if deal.opened is None or not context.capabilities.has("risk_adjustments", *ADJUSTMENTS_NEED):
        return None
    return await read_adjustment(context, deal.opened) or RiskAdjustment(1.0, None, deal.opened)


async def _chart(context: Context, deal: Deal, told: Sequence[Step]) -> PriceChart | None:
    if deal.opened is None:
        return None
    closed = None if deal.is_open else deal.until
    for margin in MARGINS:
        span = shown_span(deal.opened, closed, context.now, margin)
        prices = await story_log.read_prices(context, deal, span)
        if found := price_chart(deal, fills(deal, told), prices, span):
            return found
    return None


async def _neighbours(context: Context, deal: Deal) -> tuple[NamedTrade | None, NamedTrade | None]:
    if not deal.is_open:
        return beside(context.state.trades, deal.until, deal.number) if deal.until else (None, None)
    rows = await context.connection.fetch(NEIGHBOURS, context.state.positions.open_ids)
    place = next((place for place, row in enumerate(rows) if row["id"] == deal.number), None)
    if place is None:
        return None, None
    around = (rows[at] if 0 <= at < len(rows) else None for at in (place - 1, place + 1))
    earlier, later = (None if row is None else NamedTrade(row["id"], row["symbol"], row["side"]) for row in around)
    return earlier, later


def _alike(context: Context, deal: Deal) -> Alike | None:
    wanted = TradeFilter(symbol=deal.symbol, side=deal.side, exit_reason=deal.reason)
    sums = context.state.trades.sums_of(wanted)
    if sums is None:
        return None
    known = sums.total - sums.unknown
    won, average = (sums.wins / known * 100, sums.net / known) if known else (None, None)
    return Alike(sums.total, sums.unknown, won, average)


SECTION = Section("story", "What happened", load, ticks=30.0, parameters=("trade", "position"))
