"""Whether the books agree: where the balance comes from, and what cannot be explained; what trading cost."""

from collections.abc import Iterator
from decimal import Decimal

from monitoring.metrics.facts import Facts, TradeSums
from monitoring.metrics.money import Books
from monitoring.metrics.trades import total_pnl
from monitoring.metrics.value import Unknown, known


def gross_pnl(sums: TradeSums) -> Decimal:
    return total_pnl(sums) + sums.fees + sums.interest


def fees_paid(sums: TradeSums) -> Decimal:
    total_pnl(sums)  # refuses a sum that leaves a trade out
    return sums.fees


def interest_paid(sums: TradeSums) -> Decimal:
    total_pnl(sums)
    return sums.interest


def cost_share(sums: TradeSums) -> float:
    """Costs ÷ gross P&L, in percent. Raises Unknown where that is not positive."""
    gross = gross_pnl(sums)
    if gross <= 0:
        raise Unknown("no gross profit")
    return float((sums.fees + sums.interest) / gross * 100)


def cost_of_wins(sums: TradeSums) -> float:
    """Costs ÷ gross P&L of the trades that gained before costs, in percent. Raises Unknown without one."""
    total_pnl(sums)
    if sums.gross_wins <= 0:
        raise Unknown("no trade gained before costs")
    return float((sums.fees + sums.interest) / sums.gross_wins * 100)


def realized_open(facts: Facts) -> Decimal:
    """P&L that partial exits of open positions took."""
    books = _books(facts)
    return books.realized + known(books.computed, "an exit without P&L, price or quantity")


def unexplained(facts: Facts) -> Decimal:
    """What the start, all results, flows and corrections do not explain of the newest balance."""
    return min(_differences(facts), key=abs)


def _differences(facts: Facts) -> Iterator[Decimal]:
    """With the exits that the engine wrote no P&L of as computed, and as none: some engines book them."""
    balance = known(facts.account.balance, "no known balance")
    yield explained(facts) - balance
    if (computed := _books(facts).computed) is not None:
        yield explained(facts) + computed - balance


def explained(facts: Facts) -> Decimal:
    """The sum of the start, all results, flows and corrections; exits that the engine wrote no P&L of count as none."""
    books = _books(facts)
    start = known(facts.session.initial_balance, "the initial balance is not known")
    net = total_pnl(known(facts.trades, facts.no_trades))
    return start + net + books.realized - books.entry_fees + books.moved


def _books(facts: Facts) -> Books:
    return known(facts.books, facts.no_history)
