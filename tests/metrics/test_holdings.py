"""What the account holds of each asset, and how much of it there should be."""

from dataclasses import replace
from decimal import Decimal

import pytest

from monitoring.metrics.holdings import Holding, base_asset, coins
from tests.metrics.examples import POSITION, SHORT


@pytest.mark.parametrize(
    ("symbol", "base"),
    [
        ("BTCUSDT", "BTC"),
        ("BTC/USDT:USDT", "BTC"),
        ("ETH-USD", "ETH"),
        ("ETHBTC", "ETH"),
        ("BTCDOMUSDT_260925", "BTCDOM"),
        ("1000000MOGUSDT-PERP", "1000000MOG"),
        ("币安人生USDT", "币安人生"),
        ("XYZ", None),
        ("USDT", None),
    ],
)
def test_the_coin_of_a_market(symbol: str, base: str | None) -> None:
    assert base_asset(symbol, "USDT") == base


def test_a_coin_that_a_position_holds_must_be_there() -> None:
    held = {"USDT": 900, "BNB": {"free": "3.2", "locked": 1}, "ETH": 0}
    found = coins(held, "USDT", [POSITION])
    assert found == [
        Holding("BTC", Decimal(0), None, Decimal("0.1")),
        Holding("BNB", Decimal("3.2"), Decimal(1), None),
    ]
    assert [holding.is_short for holding in found] == [True, False]


@pytest.mark.parametrize(("amount", "is_short"), [(0.0999, False), (0.09, True), (5, False), ("x", False)])
def test_fees_taken_in_the_coin_are_no_loss_of_it(amount: object, is_short: bool) -> None:
    (found,) = coins({"BTC": amount}, "USDT", [POSITION])
    assert found.is_short is is_short


def test_positions_of_a_margin_account_are_no_holdings() -> None:
    assert coins({"USDT": 1000}, "USDT", [POSITION]) == []
    assert [holding.expected for holding in coins({"BNB": 1}, "USDT", [POSITION, SHORT])] == [None]


def test_positions_in_one_coin_add_up() -> None:
    other = replace(POSITION, id=33, symbol="BTCUSDC", quantity=Decimal("0.2"))
    assert [holding.expected for holding in coins({"BTC": 0.3}, "USDT", [POSITION, other])] == [Decimal("0.3")]
