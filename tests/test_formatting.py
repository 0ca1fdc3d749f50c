"""Numbers and times as the design brief writes them."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from monitoring import formatting as fmt

CENT = Decimal("0.01")
MOMENT = datetime(2026, 11, 2, 14, 32, 7)
NUMBERS = (fmt.amount, fmt.percent, fmt.ratio, fmt.count, fmt.quantity, fmt.coins, fmt.price, fmt.axis)


@pytest.mark.parametrize(
    ("filter_", "value", "text"),
    [
        (fmt.amount, Decimal("1234567.891"), "1,234,567.89"),
        (fmt.amount, 11151.77, "11,151.77"),
        (fmt.amount, -64.2, "−64.20"),
        (fmt.amount, 0, "0.00"),
        (fmt.amount, -0.0, "0.00"),
        (fmt.amount, Decimal("-0.00000000"), "0.00"),
        (fmt.amount, 1e15, "1.00e15"),
        (fmt.amount, Decimal("-123456789012345678"), "−1.23e17"),
        (fmt.percent, 12.5, "12.50\u202f%"),
        (fmt.percent, Decimal("-11.666"), "−11.67\u202f%"),
        (fmt.slippage, 0.0141, "0.014\u202f% against us"),
        (fmt.slippage, Decimal("-0.01"), "0.010\u202f% in our favour"),
        (fmt.slippage, 0, "0.000\u202f%"),
        (fmt.ratio, 1.4199, "1.42"),
        (fmt.count, 1234567, "1,234,567"),
        (fmt.count, 0, "0"),
        (fmt.quantity, Decimal("0.01000000"), "0.01"),
        (fmt.quantity, 0.1 + 0.2, "0.3"),
        (fmt.quantity, Decimal("1E+3"), "1,000"),
        (fmt.quantity, 1234.56789, "1,234.56789"),
        (fmt.quantity, 1.5e-9, "0.0000000015"),
        (fmt.quantity, 2e-13, "2.00e−13"),
        (fmt.quantity, Decimal("0E-8"), "0"),
        (fmt.coins, Decimal("1.29763807"), "1.298"),
        (fmt.coins, Decimal("405700.00000000"), "405,700"),
        (fmt.coins, 351_000_000, "351M"),
        (fmt.coins, 0.054123, "0.05412"),
        (fmt.price, 93204.5, "93,204.50"),
        (fmt.price, Decimal("3412.05000000"), "3,412.05"),
        (fmt.price, 182.4, "182.40"),
        (fmt.price, 45.12, "45.120"),
        (fmt.price, 1.0835, "1.0835"),
        (fmt.price, Decimal("0.00001234"), "0.00001234"),
        (fmt.price, 0, "0.00"),
        (fmt.price, 2e-13, "2.00e−13"),
        (fmt.axis, 11500.0, "11,500"),
        (fmt.axis, -20.0, "−20"),
        (fmt.axis, 2.5e-9, "0.0000000025"),
        (fmt.axis, 1_250_000.0, "1.25M"),
        (fmt.axis, -2e9, "−2B"),
        (fmt.axis, 1e12, "1T"),
        (fmt.axis, 0.0, "0"),
    ],
)
def test_numbers(filter_: Callable[[Any], str], value: object, text: str) -> None:
    assert filter_(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(128.4, "+128.40"), (-128.4, "−128.40"), (0, "0.00"), (0.001, "+0.001"), (Decimal("NaN"), "—")]
)
def test_signed_figures_always_carry_their_sign(value: float, text: str) -> None:
    assert fmt.amount(value, signed=True) == text
    assert fmt.percent(value, signed=True) == (text if text == "—" else f"{text}\u202f%")


@pytest.mark.parametrize(
    ("value", "text"),
    [(99.996, "99.996"), (Decimal("-99.9999"), "−99.9999"), (99.99, "99.99"), (100, "100.00"), (100.004, "100.00")],
)
def test_almost_all_never_reads_as_all(value: float, text: str) -> None:
    """One trade of 25,000 was lost."""
    assert fmt.percent(value) == f"{text}\u202f%"


@given(value=st.decimals(-(10**12), 10**12, places=8).filter(lambda value: not value or abs(value) > CENT / 2))
def test_amounts_say_the_number_to_the_cent(value: Decimal) -> None:
    text = fmt.amount(value)
    assert re.fullmatch(r"−?\d{1,3}(,\d{3})*\.\d\d", text)
    parsed = Decimal(text.replace(",", "").replace("−", "-"))
    assert parsed == value.quantize(CENT, ROUND_HALF_EVEN)
    assert not text.startswith("−0.00")


@given(value=st.decimals(-(10**10), 10**10, places=8))
def test_quantities_lose_nothing_that_the_database_holds(value: Decimal) -> None:
    text = fmt.quantity(value)
    assert Decimal(text.replace(",", "").replace("−", "-")) == value
    assert "." not in text or not text.endswith(("0", "."))


@given(value=st.floats(1e-9, 1e12))
def test_prices_show_four_digits_at_least(value: float) -> None:
    text = fmt.price(value)
    assert float(text.replace(",", "")) == pytest.approx(value, rel=5.1e-4)


@pytest.mark.parametrize("filter_", NUMBERS)
@given(value=st.floats() | st.integers() | st.decimals().filter(lambda value: not value.is_snan()))
def test_numbers_are_never_nan_nor_negative_zero_nor_a_hyphen(
    filter_: Callable[[Any], str], value: float | Decimal
) -> None:
    text = filter_(value)
    assert text
    assert not re.search(r"nan|inf|-", text, re.IGNORECASE)
    assert not re.fullmatch(r"−[0.,]*\s?%?", text)
    assert (text == "—") == (not math.isfinite(value))


def test_unknown_is_a_dash_in_every_filter() -> None:
    environment = Environment(autoescape=True)
    environment.filters.update(fmt.FILTERS)
    arguments = {"age": "(now)", "clock_seconds": "(now)", "stamp": "(now)", "time_label": "(60)"}
    elsewhere = {"direction": "", "outcome": "", "name_parts": ["—"], "iso": "", "local": None, "from_epoch": None}
    for name in fmt.FILTERS.keys() - elsewhere.keys():
        template = environment.from_string("{{ value|" + name + arguments.get(name, "") + " }}")
        assert template.render(value=None, now=MOMENT) == "—", name
    assert fmt.direction(None) == fmt.direction(math.nan) == fmt.iso(None) == ""


@pytest.mark.parametrize(("value", "css"), [(0.01, "up"), (Decimal(-1), "dn"), (0, ""), (-0.0, ""), (math.inf, "")])
def test_direction(value: float, css: str) -> None:
    assert fmt.direction(value) == css


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3600, "just now"), (0, "just now"), (0.9, "just now"),
        (1, "1 s ago"), (12.7, "12 s ago"), (59.9, "59 s ago"),
        (60, "1 min ago"), (3599, "59 min ago"),
        (3600, "1 h ago"), (86399, "23 h ago"),
        (86400, "1 d ago"), (5_000 * 86400, "5,000 d ago"),
    ],
)  # fmt: skip
def test_age(seconds: float, text: str) -> None:
    assert fmt.age(MOMENT - timedelta(seconds=seconds), MOMENT) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "seconds", "0 s"),
        (45.9, "seconds", "45 s"),
        (60, "seconds", "1 min"),
        (11520, "seconds", "3 h 12 min"),
        (3600, "seconds", "1 h"),
        (86400, "seconds", "1 d"),
        (51, "minutes", "51 min"),
        (4320.0, "minutes", "3 d"),
        (Decimal("51.5"), "hours", "2 d 3 h"),
        (timedelta(minutes=-2), "seconds", "−2 min"),
        (-0.5, "seconds", "0 s"),
        (math.nan, "seconds", "—"),
    ],
)
def test_duration(value: Any, unit: str, text: str) -> None:
    assert fmt.duration(value, unit) == text


def test_moments() -> None:
    assert fmt.utc(MOMENT) == "2 Nov 2026 14:32:07 UTC"
    assert fmt.iso(MOMENT) == "2026-11-02T14:32:07+00:00"
    assert (fmt.day(MOMENT), fmt.day(date(2026, 5, 31)), fmt.month(MOMENT)) == ("2 Nov", "31 May", "Nov 2026")
    assert fmt.clock(MOMENT) == "14:32"
    assert fmt.from_epoch(1_793_629_927) == MOMENT


@pytest.mark.parametrize(
    ("moment", "days", "text"),
    [
        (datetime(2026, 11, 2, 14, 30), 1, "14:30"),
        (datetime(2026, 11, 2), 1, "2 Nov"),
        (datetime(2026, 11, 2, 14, 30), 30, "2 Nov"),
        (datetime(2026, 11, 1), 1500, "Nov 2026"),
    ],
)
def test_time_labels_follow_the_span(moment: datetime, days: int, text: str) -> None:
    seconds = (moment - datetime(1970, 1, 1)).total_seconds()
    assert fmt.time_label(seconds, days * 86400) == text


def test_an_amount_that_no_decimals_show_is_not_zero() -> None:
    assert fmt.amount(Decimal("2E-14"), signed=True) == "+2.00e−14"
    assert fmt.amount(Decimal(0)) == "0.00"
