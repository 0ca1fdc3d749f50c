"""The shapes of answers, as OpenAPI describes them and as every answer is checked against."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from monitoring.metrics.catalogue import CATALOGUE, Metric

Moment = Annotated[str, Meta(description="ISO-8601, UTC", extra_json_schema={"format": "date-time"})]
Percent = Annotated[float, Meta(description="In percent: 12.5 is 12.5 %")]
Side = Annotated[str | None, Meta(description="As stored: LONG or SHORT")]
Fraction = Annotated[float, Meta(description="Of the entry price: 0.016 is 1.6 %; below zero is against the position")]


class Fault(Struct):
    """Why a call failed."""

    code: Annotated[str, Meta(description="For programs")]
    message: Annotated[str, Meta(description="For people")]


class Failure(Struct):
    """The answer of every call that fails."""

    error: Fault


class ListedAlert(Struct):
    """Something that is wrong with a bot now."""

    code: Annotated[str, Meta(description="Of which kind")]
    subject: Annotated[str | None, Meta(description="What it is about, where several of a kind can hold at once")]
    severity: Annotated[str, Meta(description="critical, error, warning or info")]
    text: str
    since: Annotated[Moment | None, Meta(description="Time of the oldest row that makes it true")]
    count: Annotated[int, Meta(description="How many rows or positions make it true")]
    muted: Annotated[bool, Meta(description="The operator does not want to hear of it")]


class Balance(Struct):
    """What the account is worth; each figure is null where the engine has not written it."""

    balance: Annotated[float | None, Meta(description="Booked money")]
    equity: Annotated[float | None, Meta(description="Balance and open P&L, of the newest snapshot")]
    currency: str | None
    timestamp: Annotated[Moment | None, Meta(description="Of the equity")]


class BalancePoint(Struct):
    """The account at a moment."""

    timestamp: Moment
    balance: float | None
    equity: float | None
    drawdown: Annotated[float | None, Meta(description="Percent below the peak, deposits and withdrawals taken out")]


class Adjusted(Struct):
    """The balance was set."""

    success: bool
    old_balance: float | None
    new_balance: float


class Performance(Struct):
    """Series for charts: the first four arrays run in parallel, so do the last two."""

    timestamps: list[Moment]
    balances: list[float | None]
    equity: list[float | None]
    drawdown: Annotated[list[float | None], Meta(description="Percent below the peak")]
    days: Annotated[list[str], Meta(description="UTC days, from the first with a trade on")]
    daily_pnl: Annotated[list[float | None], Meta(description="Net P&L of the trades closed on each of the days")]


class Order(Struct):
    """One order."""

    id: int
    position_id: int | None
    order_type: str | None
    status: str | None
    exchange_order_id: str | None
    internal_order_id: str | None
    symbol: str | None
    side: Side
    quantity: float | None
    price: float | None
    filled_quantity: float | None
    filled_price: float | None
    commission: float | None
    created_at: Moment | None
    filled_at: Moment | None
    cancelled_at: Moment | None
    last_update: Moment | None
    target_level: int | None
    size_fraction: float | None


class Position(Struct):
    """One open position."""

    id: int
    symbol: str | None
    side: Annotated[str | None, Meta(description="long or short")]
    entry_price: float | None
    current_price: float | None
    quantity: Annotated[float | None, Meta(description="In base currency")]
    size: Annotated[float | None, Meta(description="Fraction of the balance: 0.1 is 10 %")]
    unrealized_pnl: Annotated[float | None, Meta(description="null as long as the current price is")]
    unrealized_pnl_percent: Percent | None
    entry_time: Moment | None
    stop_loss: float | None
    take_profit: float | None
    trailing_stop_activated: bool | None
    trailing_stop_price: float | None
    breakeven_triggered: bool | None
    mfe: Annotated[Fraction | None, Meta(description="Largest move in favour, as a fraction of the entry price")]
    mae: Annotated[Fraction | None, Meta(description="Largest move against, as a fraction of the entry price")]
    original_size: float | None
    current_size: float | None
    partial_exits_taken: int | None
    scale_ins_taken: int | None
    last_partial_exit_price: float | None
    last_scale_in_price: float | None
    held: Annotated[float | None, Meta(description="In base currency, now: partial exits and scale-ins counted")]
    r: Annotated[float | None, Meta(description="Open P&L ÷ what the first stop risked of what is held")]
    realized_pnl: Annotated[float | None, Meta(description="Taken by partial exits, before costs")]
    last_update: Annotated[Moment | None, Meta(description="When the engine last wrote the position")]
    stale: Annotated[
        bool, Meta(description="Its price is more than 5 min older than the last sign of life, or the engine is silent")
    ]
    stop_order: Annotated[str | None, Meta(description="Status of its live stop order; null where there is none")]
    session_id: int | None
    orders: list[Order]


class PositionOrders(Struct):
    """The orders of one position, newest first."""

    position_id: int
    orders: list[Order]


class PartialTrade(Struct):
    """One partial exit or scale-in."""

    id: int
    position_id: int
    operation_type: Annotated[str | None, Meta(description="PARTIAL_EXIT or SCALE_IN")]
    symbol: str | None
    side: Side
    entry_price: float | None
    price: float | None
    operation_price: Annotated[float | None, Meta(description="The same as price, as the first dashboard called it")]
    size: Annotated[float | None, Meta(description="Fraction of the balance")]
    pnl: float | None
    target_level: int | None
    timestamp: Moment | None


class Trade(Struct):
    """One closed trade."""

    id: int
    symbol: str | None
    side: Side
    entry_price: float | None
    exit_price: float | None
    quantity: float | None
    entry_time: Moment | None
    exit_time: Moment
    pnl: Annotated[float | None, Meta(description="Gross")]
    net_pnl: Annotated[float | None, Meta(description="After commission and margin interest")]
    commission: float | None
    pnl_percent: Percent | None
    exit_reason: str | None
    strategy_name: str | None
    duration_seconds: float | None
    r: Annotated[float | None, Meta(description="Net P&L ÷ what was at risk until the first stop")]
    mfe: Annotated[Fraction | None, Meta(description="Largest move in favour, as a fraction of the entry price")]
    mae: Annotated[Fraction | None, Meta(description="Largest move against, as a fraction of the entry price")]


class Correlation(Struct):
    """Correlation of two symbols."""

    symbol_pair: str | None
    correlation_value: float | None
    p_value: float | None
    sample_size: int | None
    last_updated: Moment | None
    window_days: int | None


class Correlations(Struct):
    """The newest correlations."""

    items: list[Correlation]


class Exposure(Struct):
    """Exposure of a group of correlated symbols."""

    correlation_group: str | None
    total_exposure: float | None
    position_count: int | None
    symbols: list[str]
    last_updated: Moment | None


class Exposures(Struct):
    """The newest exposures."""

    items: list[Exposure]


class Shown(Struct):
    """How a metric is shown."""

    enabled: bool
    priority: Annotated[str, Meta(description="high, medium or low")]
    format: str


class ConfigChanged(Struct):
    """It is done."""

    success: bool
    kept: Annotated[bool, Meta(description="Whether it outlives the process")]
    note: Annotated[str | None, Meta(description="Why it does not")]


class Bot(Struct):
    """Who trades, on what, and since when."""

    name: Annotated[str | None, Meta(description="The strategy")]
    symbols: list[str]
    timeframe: str | None
    mode: Annotated[str | None, Meta(description="live, paper or backtest")]
    status: Annotated[str, Meta(description="running or stopped: whether the trading session has ended")]
    connected: Annotated[bool, Meta(description="The engine gives signs of life as often as it should")]
    initial_balance: float | None
    max_open_positions: Annotated[int | None, Meta(description="As configured")]
    risk_per_trade: Annotated[float | None, Meta(description="As configured")]
    uptime_seconds: float | None
    last_update: Moment | None


def _field(metric: Metric) -> tuple[str, object, object]:
    kind: object = Moment if metric.unit.api_type is datetime else metric.unit.api_type
    description = f"{metric.label}: {metric.meaning} ({metric.unit.api_name})"
    # Unset: what the operator does not want to be shown is left out.
    return metric.key, Annotated[kind | UnsetType | None, Meta(description=description)], UNSET


Metrics = defstruct(
    "Metrics",
    [("reasons", dict[str, str]), *(_field(metric) for metric in CATALOGUE)],
    namespace={"__doc__": "Every metric that is enabled; null is unknown, and reasons says why."},
)


class ListedBot(Struct):
    """One of all bots."""

    id: Annotated[int, Meta(description="Of its first session")]
    mode: str
    strategy: str
    symbols: list[str]
    exchange: str | None
    sessions: Annotated[list[int], Meta(description="Ids, oldest first")]
    state: str
    last_update: Moment | None
    equity: float | None
    currency: str | None
    today: Annotated[float | None, Meta(description="Change of equity since 00:00 UTC, deposits taken out")]
    total_return: Annotated[float | None, Meta(description="Percent")]
    max_drawdown: Annotated[float | None, Meta(description="Percent")]
    trades: int | None
    open_positions: int | None
    alerts: Annotated[int, Meta(description="How many")]


class State(Struct):
    """Everything a dashboard shows, at once."""

    bot: Bot
    metrics: Metrics  # type: ignore[valid-type]
    positions: list[Position]
    trades: list[Trade]
    server_time: Moment
