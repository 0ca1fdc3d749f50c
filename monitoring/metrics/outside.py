"""What to say of rows outside the times of their session: figures hold them."""

from monitoring.metrics.equity_now import no_equity_now
from monitoring.metrics.facts import Facts


def trades_outside(facts: Facts) -> str | None:
    count = facts.outside.trades
    return f"{_count(count, 'trade was', 'trades were')} closed outside the times of their session" if count else None


def history_outside(facts: Facts) -> str | None:
    count = facts.outside.history
    return f"{_count(count, 'row', 'rows')} of account_history outside the times of their session" if count else None


def outside(facts: Facts) -> str | None:
    """All of them; None without any."""
    return "; ".join(filter(None, (trades_outside(facts), history_outside(facts)))) or None


def of_equity(facts: Facts) -> str | None:
    """Why it is no equity of now, where that is so, and what rows it is made of."""
    return "; ".join(filter(None, (no_equity_now(facts), history_outside(facts)))) or None


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
