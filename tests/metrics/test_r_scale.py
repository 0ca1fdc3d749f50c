"""Where the prices of a position stand on the one scale in R."""

from dataclasses import replace
from decimal import Decimal

import pytest

from monitoring.metrics.r_scale import Levels, Mark, in_r, scale

LONG = Levels(1, Decimal(100), Decimal(90), Decimal(100), Decimal(90), Decimal(120))
SHORT = Levels(-1, Decimal(100), Decimal(110), Decimal(100), Decimal(110), Decimal(80))


@pytest.mark.parametrize(("levels", "loss", "gain"), [(LONG, 95, 110), (SHORT, 105, 90)])
def test_left_is_bad_for_longs_and_shorts(levels: Levels, loss: int, gain: int) -> None:
    at_entry = scale(levels)
    assert at_entry.price is not None
    assert at_entry.price.percent == pytest.approx(100 / 3, abs=0.01)
    assert (at_entry.stop, at_entry.target) == (Mark(0, None), Mark(100, None))
    assert scale(replace(levels, price=Decimal(loss))).price == Mark(16.67, None)
    assert scale(replace(levels, price=Decimal(gain))).price == Mark(66.67, None)


@pytest.mark.parametrize(("price", "mark"), [(89, Mark(0, "left")), (121, Mark(100, "right"))])
def test_a_price_beyond_an_end_stands_at_it(price: int, mark: Mark) -> None:
    assert scale(replace(LONG, price=Decimal(price))).price == mark


def test_a_trailed_stop_stands_where_it_is_now() -> None:
    assert scale(replace(LONG, stop=Decimal(105))).stop == Mark(50, None)


@pytest.mark.parametrize("missing", [{"first_stop": None}, {"entry": None}, {"first_stop": Decimal(100)}])
def test_nothing_stands_on_a_scale_without_r(missing: dict[str, Decimal | None]) -> None:
    found = scale(replace(LONG, **missing))  # type: ignore[arg-type]
    assert (found.price, found.stop, found.target) == (None, None, None)


@pytest.mark.parametrize("unknown", ["pnl", "entry", "first_stop", "held"])
def test_r_needs_pnl_entry_first_stop_and_quantity(unknown: str) -> None:
    known: dict[str, Decimal | None] = {
        "pnl": Decimal(-30), "entry": Decimal(100), "first_stop": Decimal(90), "held": Decimal(2)
    }  # fmt: skip
    assert in_r(**known) == Decimal("-1.5")
    assert in_r(**known | {unknown: None}) is None
