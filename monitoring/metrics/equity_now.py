"""Equity between two snapshots: the newest balance and the open P&L, while the prices of all positions are fresh."""

from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.formatting import few, utc_minute
from monitoring.metrics.facts import Account, Equity, Facts, OpenPosition

MAX_PRICE_AGE = timedelta(minutes=5)
"""By how much a price may be older than the newest sign of life."""


def of_snapshot(account: Account) -> Equity | None:
    """The equity that the newest snapshot recorded; None where there is none."""
    if account.equity is None or account.equity_at is None:
        return None
    return Equity(account.equity, account.equity_at)


def equity_now(facts: Facts) -> Equity | None:
    """Balance and open P&L where the newest of balance and prices is newer than the newest snapshot; else None."""
    account, positions = facts.account, facts.positions
    if account.balance is None or account.balance_at is None or account.equity_at is None or positions is None:
        return None
    amounts = [position.unrealized for position in positions if is_price_fresh(facts, position)]
    known = [amount for amount in amounts if amount is not None]
    at = max([account.balance_at, *(position.priced_at for position in positions if position.priced_at is not None)])
    if len(known) < len(positions) or not account.equity_at < at <= facts.now + MAX_CLOCK_SKEW:
        return None
    return Equity(account.balance + sum(known, Decimal(0)), at, account.balance, account.balance_at, is_now=True)


def is_price_fresh(facts: Facts, position: OpenPosition) -> bool:
    """Whether the position has a price, and a fresh one."""
    return position.current_price is not None and is_fresh(facts, position.priced_at)


def is_fresh(facts: Facts, priced_at: datetime | None) -> bool:
    """Whether the engine lives, and wrote a price of that time when it last gave a sign of life."""
    sign = facts.last_sign
    if priced_at is None or sign is None or priced_at > facts.now + MAX_CLOCK_SKEW:
        return False
    return (facts.now - sign).total_seconds() <= facts.limit_seconds and sign - priced_at <= MAX_PRICE_AGE


def old_prices(facts: Facts) -> str | None:
    """Of which positions the price is not fresh, and of when it is; None where all are fresh, or none is known."""
    old = [one for one in facts.positions or () if one.current_price is not None and not is_fresh(facts, one.priced_at)]
    return few([*map(_age, old)], "; ") or None


def no_equity_now(facts: Facts) -> str | None:
    """Why the equity is that of a snapshot, though positions are open; None where it is of now."""
    if facts.equity is None or facts.equity.is_now or not facts.positions:
        return None
    unpriced = few([f"{one.symbol} has no price" for one in facts.positions if one.current_price is None], "; ")
    why = "; ".join(filter(None, [unpriced, old_prices(facts)]))
    return f"of the newest snapshot, {utc_minute(facts.equity.at)}: {why}" if why else None


def _age(position: OpenPosition) -> str:
    if position.priced_at is None:
        return f"the price of {position.symbol} is of an unknown time"
    return f"the price of {position.symbol} is of {utc_minute(position.priced_at)}"
