"""Why the equity changed: amounts that add up to the change, and that nobody had to guess."""

from collections.abc import Mapping
from decimal import Decimal
from random import Random

import pytest

from monitoring.metrics.since import Changed, Market, shares


def market(symbol: str, *, was_open: bool = False, pnl: float | None = 0, booked: float = 0) -> Market:
    return Market(symbol, was_open, pnl != 0, None if pnl is None else money(pnl), money(booked))


def money(amount: float) -> Decimal:
    return Decimal(str(amount))


def changed(total: float, before: float, after: float, *markets: Market, **rest: object) -> Changed:
    return Changed(money(total), money(before), money(after), markets, **rest)  # type: ignore[arg-type]


def said(change: Changed, digits: int = 2) -> Mapping[str, float]:
    """Amounts by what they are of, in their order; of what was booked alone the word says so."""
    return {f"{one.what} {one.of_booked}".rstrip(): float(one.amount) for one in shares(change, digits)}


def test_each_market_has_its_amount_the_largest_first() -> None:
    found = changed(24.34, 14.1, 111.91, market("BTC", was_open=True, pnl=111.91), market("SOL", pnl=0, booked=-69.6),
                    fees=money(3.87))  # fmt: skip
    assert list(said(found).items()) == [("BTC", 97.81), ("SOL", -69.6), ("fees", -3.87)]


def test_a_closed_trade_counts_without_what_it_had_gained_before() -> None:
    assert said(changed(-30, 50, 0, market("BTC", was_open=True, booked=20))) == {"BTC": -30}


def test_open_pnl_of_several_markets_then_is_one_amount() -> None:
    found = changed(35, 40, 65, market("BTC", was_open=True, pnl=50), market("ETH", was_open=True, booked=10),
                    market("SOL", pnl=15, booked=-15))  # fmt: skip
    assert said(found) == {"ETH closed": 10, "change of open P&L": 10, "other": 15}


def test_open_pnl_of_several_markets_now_is_one_amount() -> None:
    found = changed(70, 0, 60, market("BTC", pnl=None), market("ETH", pnl=None), market("SOL", booked=10))
    assert said(found) == {"SOL": 10, "change of open P&L": 60}
    assert said(changed(60, 0, 60, market("BTC", pnl=None))) == {"BTC": 60}


@pytest.mark.parametrize("markets", [(), (market("SOL", pnl=5),), (market("BTC", was_open=True, pnl=5),)])
def test_a_position_that_nobody_knows_is_not_guessed(markets: tuple[Market, ...]) -> None:
    assert said(changed(-35, 40, 5, *markets, all_known=False)) == {"change of open P&L": -35}


def test_much_that_was_closed_is_one_amount() -> None:
    """Of each a part had been gained before; nobody knows which."""
    many = [market(f"M{number}", was_open=True, booked=number) for number in range(1, 4)]
    assert said(changed(2, 4, 0, *many)) == {"closed, before costs": 6, "change of open P&L": -4}
    assert said(changed(-1, 4, 0, *many[:2])) == {"M2 closed": 2, "M1 closed": 1, "change of open P&L": -4}


def test_what_is_not_explained_is_other() -> None:
    found = changed(-20, 0, 0, corrections=money(-11.37), interest=money(0.63))
    assert said(found) == {"costs": -0.63, "corrections": -11.37, "other": -8}


def test_many_markets_share_an_amount() -> None:
    many = [market(f"M{number}", booked=number) for number in range(1, 8)]
    found = said(changed(28, 0, 0, *many))
    assert found == {"M7": 7, "M6": 6, "M5": 5, "M4": 4, "3 other markets": 6}
    assert list(said(changed(25, 0, 0, *many[2:]))) == ["M7", "M6", "M5", "M4", "M3"]


@pytest.mark.parametrize("digits", [0, 2, 8])
def test_rounded_amounts_add_up_to_the_rounded_change(digits: int) -> None:
    dice = Random(7)
    for _ in range(200):
        drawn = [dice.uniform(-3, 3) for _ in range(5)]
        markets = (market(str(place), booked=amount) for place, amount in enumerate(drawn))
        found = changed(sum(drawn) + dice.choice((0, 0.004, 2)), 0, 0, *markets, fees=money(dice.random()))
        amounts = [one.amount for one in shares(found, digits)]
        assert sum(amounts) == round(found.total, digits)
        assert all(amount and amount == round(amount, digits) for amount in amounts)


def test_no_change_has_no_amounts() -> None:
    assert said(changed(0, 0, 0, market("BTC"))) == {}


def test_amounts_of_any_size_are_told() -> None:
    assert said(changed(1e30, 0, 0, market("BTC", booked=1e30))) == {"BTC": 1e30}
