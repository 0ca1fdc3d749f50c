"""Why the equity changed over some time: amounts that add up to the change, named by what made them.

Pure. Money in the account's currency. Where the open P&L at one end of the time is not known market by market, it is
one amount for all of those markets, and what was booked of them stands by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

ZERO = Decimal(0)
MAX_DIGITS = 340
"""Of an amount: a column of the database may hold any number."""
MAX_NAMED_COUNT, MAX_BOOKED_COUNT = 4, 2
"""So many markets have an amount of their own, the others share one; so many of which only what was booked is known."""

OPEN, BOOKED, CORRECTIONS, OTHER = "change of open P&L", "closed, before costs", "corrections", "other"
FEES, COSTS = "fees", "costs"
"""The second where there was interest, too."""


@dataclass(frozen=True, slots=True)
class Market:
    """What happened in one market over the time."""

    symbol: str
    was_open: bool = False
    """Whether a position was open at the beginning."""
    is_open: bool = False
    """Whether one is at the end."""
    open_pnl: Decimal | None = ZERO
    """Of what is open at the end, 0 where nothing is; None where only the sum of all markets is known."""
    booked: Decimal = ZERO
    """What closed trades and partial exits booked in the time, before costs."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of equity, and what is known of how it came. Flows are in none of it."""

    total: Decimal
    open_before: Decimal
    """Open P&L of all markets at the beginning, and ..."""
    open_after: Decimal
    """... at the end."""
    markets: Sequence[Market]
    fees: Decimal = ZERO
    """Charged in the time, as a positive amount; interest likewise."""
    interest: Decimal = ZERO
    corrections: Decimal = ZERO
    """Of the balance that count as profit or loss."""
    all_known: bool = True
    """Whether the markets that were open at the beginning are surely all of them."""


@dataclass(frozen=True, slots=True)
class Share:
    """One amount of a change."""

    what: str
    """A symbol, or words where ``is_market`` is false."""
    amount: Decimal
    is_market: bool = False
    of_booked: str = ""
    """Of a market, where its open P&L is not in it: ``closed``, or ``booked`` where something is still open."""


def shares(changed: Changed, digits: int) -> tuple[Share, ...]:
    """Amounts other than 0, rounded so that they add up to the rounded total: markets, costs, and what is left."""
    together = _together(changed)
    apart = [market for market in changed.markets if market.symbol not in together]
    found = [Share(market.symbol, _of(market, changed), is_market=True) for market in apart]
    found += [_booked(market) for market in changed.markets if market.symbol in together]
    found = list(_named(sorted(found, key=lambda share: -abs(share.amount))))
    found.append(Share(OPEN, _open_change(changed, apart)))
    costs = Share(COSTS if changed.interest else FEES, -changed.fees - changed.interest)
    found += [costs, Share(CORRECTIONS, changed.corrections)]
    left = changed.total - _sum(found)
    return _rounded([*found, Share(OTHER, left)], changed.total, digits)


def _together(changed: Changed) -> frozenset[str]:
    """The markets of which the open P&L is not known apart, at either end."""
    before = [one.symbol for one in changed.markets if one.was_open]
    after = [one.symbol for one in changed.markets if one.open_pnl is None]
    if not changed.all_known or (changed.open_before and not before):
        return frozenset(one.symbol for one in changed.markets)
    return frozenset((*(before if len(before) > 1 else ()), *(after if len(after) > 1 else ())))


def _of(market: Market, changed: Changed) -> Decimal:
    after = changed.open_after if market.open_pnl is None else market.open_pnl
    return market.booked + after - (changed.open_before if market.was_open else ZERO)


def _booked(market: Market) -> Share:
    return Share(market.symbol, market.booked, True, "booked" if market.is_open else "closed")


def _open_change(changed: Changed, apart: Sequence[Market]) -> Decimal:
    """Of all markets but those ``apart``."""
    return changed.open_after - changed.open_before - sum((_of(one, changed) - one.booked for one in apart), ZERO)


def _named(markets: Sequence[Share]) -> Iterator[Share]:
    """The largest by name, the others as one. What was booked alone is one amount where there is much of it."""
    whole = [share for share in markets if share.amount and not share.of_booked]
    named = len(whole) if len(whole) <= MAX_NAMED_COUNT + 1 else MAX_NAMED_COUNT
    yield from whole[:named]
    if rest := whole[named:]:
        yield Share(f"{len(rest)} other markets", _sum(rest))
    booked = [share for share in markets if share.amount and share.of_booked]
    yield from booked if len(booked) <= MAX_BOOKED_COUNT else [Share(BOOKED, _sum(booked))]


def _sum(found: Iterable[Share]) -> Decimal:
    return sum((share.amount for share in found), ZERO)


def _rounded(found: Iterable[Share], total: Decimal, digits: int) -> tuple[Share, ...]:
    """What rounding leaves goes to the amounts that lost most by it."""
    unit, given = Decimal(1).scaleb(-digits), list(found)
    with localcontext() as context:
        context.prec = MAX_DIGITS
        amounts = _adding_up([share.amount for share in given], total, unit)
    pairs = zip(given, amounts, strict=True)
    return tuple(replace(one, amount=amount) for one, amount in pairs if amount)


def _adding_up(given: Sequence[Decimal], total: Decimal, unit: Decimal) -> list[Decimal]:
    amounts = [amount.quantize(unit, ROUND_HALF_EVEN) for amount in given]
    left = total.quantize(unit, ROUND_HALF_EVEN) - sum(amounts, ZERO)
    step = unit.copy_sign(left)
    lost = sorted(range(len(given)), key=lambda place: (given[place] - amounts[place]) * -step)
    for place in lost[: int(abs(left) / unit)]:
        amounts[place] += step
    return amounts
