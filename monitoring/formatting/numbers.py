"""Numbers as the reader sees them."""

import math
import re
from dataclasses import replace
from decimal import Decimal

from monitoring.formatting.unknown import DASH, MINUS, NARROW_SPACE, dash_if_unknown, hidable
from monitoring.presentation import present, presented

Number = Decimal | float | int

MAX_PLAIN_LEVEL, MIN_PLAIN_LEVEL = 1e15, 1e-12
"""Beyond these nobody counts the digits: such a number is written with an exponent."""
MAX_DECIMALS_COUNT = 12
COIN_MAGNITUDES = ((1e9, "B"), (1e6, "M"))
MAGNITUDES = ((1e12, "T"), (1e9, "B"), (1e6, "M"))


@dash_if_unknown
@hidable
def amount(value: Number, signed: bool = False) -> str:
    """12,345.60 of dollars, 12,346 of yen: the account's money, at the decimals of its currency, or at as many more as
    an amount that is not zero needs."""
    return _fixed(value, _enough(value, present().decimals), signed)


@dash_if_unknown
def in_r(value: Number, signed: bool = True) -> str:
    """+1.61 R, a multiple of what was risked."""
    return f"{_fixed(value, _enough(value, 2), signed)}{NARROW_SPACE}R"


@dash_if_unknown
def percent(value: Number, signed: bool = False, digits: int = 2) -> str:
    """12.50 %, of a value that is in percent already; 0.004 % and 99.996 % rather than nothing or all that is none."""
    missing = 100 - _size(value) if _size(value) < 100 else 100.0
    return f"{_fixed(value, max(_enough(value, digits), _enough(missing, digits)), signed)}{NARROW_SPACE}%"


@dash_if_unknown
def slippage(value: Number) -> str:
    """0.014 % against us, 0.014 % in our favour, 0.000 %: of a value in percent, positive where the price was worse."""
    size = percent(_size(value), digits=3)
    return size if not value else f"{size} against us" if value > 0 else f"{size} in our favour"


@dash_if_unknown
def ratio(value: Number, signed: bool = False, digits: int = 2) -> str:
    """1.42"""
    return _fixed(value, digits, signed)


@dash_if_unknown
def count(value: Number, signed: bool = False) -> str:
    """1,234. (Jinja's own ``count`` is also called ``length``.)"""
    return _fixed(value, 0, signed)


@dash_if_unknown
@hidable
def quantity(value: Number) -> str:
    """0.015: up to eight decimals, as exchanges have, or more where those would show too little; no idle zeros."""
    return plain(value)


@dash_if_unknown
@hidable
def coins(value: Number) -> str:
    """1.298, 22,320, 351M: a quantity at four significant digits; the whole one belongs into a title."""
    for size, letter in COIN_MAGNITUDES:
        if size <= _size(value) < MAX_PLAIN_LEVEL:
            return _trimmed(float(value) / size, _decimals(float(value) / size, significant=4)) + letter
    return _trimmed(value, _decimals(value, significant=4))


@dash_if_unknown
def price(value: Number) -> str:
    """93,204.50, 182.40, 1.0835, 0.00001234: as many decimals as prices of that magnitude are quoted with."""
    size = _size(value)
    if 0 < size < MIN_PLAIN_LEVEL:
        return _trimmed(value, 0)
    if size >= 100 or not size:
        return _fixed(value, 2)
    return _fixed(value, _decimals(value, significant=5 if size >= 1 else 4))


@dash_if_unknown
def axis(value: Number) -> str:
    """Label of a tick: 11,500, 0.0025, 1.25M, without idle digits."""
    for size, letter in MAGNITUDES:
        if size <= _size(value) < MAX_PLAIN_LEVEL:
            return _trimmed(float(value) / size, 6) + letter
    return plain(value)


@dash_if_unknown
def amount_in(value: Number, currency: str | None, signed: bool = False) -> str:
    """An amount of another account than the page's."""
    with presented(replace(present(), currency=currency)):
        return amount(value, signed)


@dash_if_unknown
@hidable
def short_amount(value: Number, signed: bool = False, spread: Number | None = None) -> str:
    """30,506, 1.48M, +12k: an amount where there is little room, as exactly as values ``spread`` apart can be told."""
    size = _size(value)
    length, letter = next(((one, sign) for one, sign in (*MAGNITUDES, (1e4, "k")) if size >= one and
                           (one > 1e4 or spread is None)), (1.0, ""))  # fmt: skip
    exactness = float(size if spread is None else spread) / length
    digits = 1 - math.floor(math.log10(exactness)) if exactness else 0
    return _fixed(float(value) / length, min(max(digits, 0), 8), signed) + letter


def direction(value: Number | None) -> str:
    """CSS class of a signed figure: up, dn, or none for zero and unknown."""
    if value is None or not math.isfinite(value) or value == 0:
        return ""
    return "up" if value > 0 else "dn"


NAME_JOINTS = re.compile(r"(?<=[_/:\-])(?=.)")
"""After these a long name may go on in the next line."""


def name_parts(text: str | None) -> list[str]:
    """ml_sentiment as ml_, sentiment."""
    return [DASH] if text is None else NAME_JOINTS.split(text)


def outcome(value: Number | None) -> str:
    """CSS class of a signed figure: gain, loss, or none for zero and unknown."""
    return {"up": "gain", "dn": "loss"}.get(direction(value), "")


def _fixed(value: Number, decimals: int, signed: bool = False) -> str:
    size = _size(value)
    if size >= MAX_PLAIN_LEVEL:
        return _sign(value, signed) + _scientific(size)
    text = f"{size:,.{decimals}f}"
    if text.strip("0.,"):
        return _sign(value, signed) + text
    return text if not size or decimals < MAX_DECIMALS_COUNT else _sign(value, signed) + _scientific(size)


def _enough(value: Number, decimals: int) -> int:
    """So many decimals, or as many more as a value that is not zero needs to be read as one."""
    if _size(value) * 2 > 10**-decimals:
        return decimals
    return max(decimals, min(MAX_DECIMALS_COUNT, _decimals(value, significant=1)))


def _trimmed(value: Number, decimals: int) -> str:
    size = _size(value)
    if size >= MAX_PLAIN_LEVEL or 0 < size < MIN_PLAIN_LEVEL:
        return _sign(value) + _scientific(size)
    text = _fixed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


@dash_if_unknown
def plain(value: Number) -> str:
    """0.015: a number of any kind, with up to eight decimals, or more where those would show too little."""
    return _trimmed(value, max(8, _decimals(value, significant=3)))


def _scientific(size: Decimal | float) -> str:
    mantissa, exponent = f"{size:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", MINUS)


def _size(value: Number) -> Decimal | float:
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)


def _sign(value: Number, signed: bool = False) -> str:
    return MINUS if value < 0 else "+" if signed else ""


def _decimals(value: Number, significant: int) -> int:
    """Decimals that show so many significant digits."""
    return max(0, significant - 1 - math.floor(math.log10(_size(value)))) if value else 0
