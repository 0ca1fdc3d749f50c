from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from monitoring.demo.money import Holding, open_holding

OPENED = datetime(2026, 3, 1, 12)


def holding(side: str) -> Holding:
    return open_holding("ETHUSD", side, Decimal("3000.00"), 0.3, Decimal(10_000), OPENED, stop=0.02, target=0.03)


def test_a_position_is_a_fraction_of_the_balance_in_whole_steps() -> None:
    long = holding("LONG")
    assert (long.quantity, long.size) == (Decimal(1), Decimal("0.3"))
    assert (long.stop, long.target) == (Decimal("2940.00"), Decimal("3090.00"))
    assert long.fees == Decimal("1.2")
    short = holding("SHORT")
    assert (short.stop, short.target) == (Decimal("3060.00"), Decimal("2910.00"))


@pytest.mark.parametrize(("side", "gross"), [("LONG", Decimal(100)), ("SHORT", Decimal(-100))])
def test_profit_is_gross_of_fees_and_interest(side: str, gross: Decimal) -> None:
    closing = holding(side).close(Decimal("3100.00"), OPENED + timedelta(hours=10))
    assert closing.gross == gross
    assert closing.fees == Decimal("1.2") + Decimal("1.24")
    assert closing.interest == (Decimal("0.24") if side == "SHORT" else 0)
    assert closing.net == gross - closing.fees - closing.interest


def test_what_is_booked_over_a_life_in_parts_is_the_net_result() -> None:
    position = holding("SHORT")
    booked = -position.fees
    booked += position.take_part(Decimal("2950.00"), Decimal("0.5"))
    assert position.left_size == Decimal("0.15")
    assert position.unrealized(Decimal("2900.00")) == 50
    closing = position.close(Decimal("2900.00"), OPENED + timedelta(hours=1))
    assert booked + closing.booked == closing.net
    assert closing.average == Decimal("2925")
    assert closing.gross == 75


def test_excursions_are_fractions_in_the_positions_favour() -> None:
    position = holding("SHORT")
    position.excursion.see("SHORT", Decimal("2970.00"), OPENED + timedelta(minutes=1))
    position.excursion.see("SHORT", Decimal("3060.00"), OPENED + timedelta(minutes=2))
    assert position.excursion_of(position.excursion.best) == Decimal("0.01")
    assert position.excursion_of(position.excursion.worst) == Decimal("-0.02")
    assert position.excursion.worst_at == OPENED + timedelta(minutes=2)
