"""Balance, equity, margin, open positions and the risk they carry; the catalogue says what each means, and its unit."""

from decimal import Decimal

from monitoring.metrics.facts import Facts, OpenPosition
from monitoring.metrics.reported import RiskAdjustment
from monitoring.metrics.value import Unknown, known, percent_of, total

MAX_CONFIGURED_SHARE = 0.1
NO_SNAPSHOT = "no equity snapshot yet"
NO_TABLE = "cannot be read: the table is missing"


def current_balance(facts: Facts) -> Decimal:
    return known(facts.account.balance, "no known balance")


def equity(facts: Facts) -> Decimal:
    return known(facts.equity, NO_SNAPSHOT).amount


def available_margin(facts: Facts) -> Decimal:
    return known(facts.account.margin_available, facts.account.no_margin)


def margin_usage(facts: Facts) -> float:
    """Of the equity of the snapshot that says how much is used."""
    used = known(facts.account.margin_used, facts.account.no_margin)
    return float(used / _positive(known(facts.account.equity, NO_SNAPSHOT)) * 100)


def active_positions_count(facts: Facts) -> int:
    return len(_positions(facts))


def position_sizes(facts: Facts) -> Decimal:
    return total(_positions(facts), lambda one: _notional(one, one.entry_price, "entry price"))


def total_position_value(facts: Facts) -> Decimal:
    """Gross notional at the current price, money; unknown as soon as one price or quantity is."""
    return total(_positions(facts), lambda one: _notional(one, one.current_price, "current price"))


def unrealized_pnl(facts: Facts) -> Decimal:
    """Open P&L, money; unknown as soon as one position's is."""
    return total(_positions(facts), lambda one: known(one.unrealized, f"open P&L of {_name(one)} is unknown"))


def current_exposure(facts: Facts) -> float:
    return float(percent_of(lambda: total_position_value(facts), lambda: positive_equity(facts)))


def net_exposure(facts: Facts) -> float:
    """Long minus short, by the current prices."""
    return float(percent_of(lambda: total(_positions(facts), net_value), lambda: positive_equity(facts)))


def risk_per_trade_configured(facts: Facts) -> float:
    """Above 0.1 the engine's configuration says percent already."""
    share = known(facts.configured_risk, "the strategy's configuration does not say")
    return share if share > MAX_CONFIGURED_SHARE else share * 100


def dynamic_risk_factor(facts: Facts) -> float:
    adjustment = _adjustment(facts)
    return 1.0 if adjustment is None else known(adjustment.factor, "the engine wrote no factor")


def dynamic_risk_reason(facts: Facts) -> str:
    adjustment = _adjustment(facts)
    if adjustment is None:
        return "the newest entry was not adjusted"
    return known(adjustment.reason, "the engine gave no reason")


def dynamic_risk_active(facts: Facts) -> bool:
    return dynamic_risk_factor(facts) != 1


def _adjustment(facts: Facts) -> RiskAdjustment | None:
    """Of the newest entry. Raises Unknown where there is none yet."""
    entry = known(facts.entry, f"risk adjustments {NO_TABLE}")
    known(entry.at, "nothing was entered yet")
    return entry.adjustment


def _positions(facts: Facts) -> tuple[OpenPosition, ...]:
    return known(facts.positions, f"positions {NO_TABLE}")


def positive_equity(facts: Facts) -> Decimal:
    """The equity that shares are of. Raises Unknown where it is not positive."""
    return _positive(equity(facts))


def _positive(amount: Decimal) -> Decimal:
    if amount <= 0:
        raise Unknown(f"equity is {amount:f}: a share of it has no meaning")
    return amount


def net_value(position: OpenPosition) -> Decimal:
    """What it is worth at its current price, less than 0 where it is short. Raises Unknown."""
    value = _notional(position, position.current_price, "current price")
    return -value if position.side == "SHORT" else value


def _notional(position: OpenPosition, price: Decimal | None, price_name: str) -> Decimal:
    quantity = known(position.quantity, f"quantity of {_name(position)} is unknown")
    return abs(quantity) * known(price, f"{price_name} of {_name(position)} is unknown")


def _name(position: OpenPosition) -> str:
    return f"position {position.id} ({position.symbol})"
