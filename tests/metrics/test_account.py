"""Open positions and the account: known only where every part is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitoring.metrics import account, execution
from monitoring.metrics.facts import Equity, Facts
from monitoring.metrics.reported import Entry, Logged, Market, OrderSums
from monitoring.metrics.value import Unknown
from tests.metrics.examples import NOTHING, NOW, POSITION, SHORT, facts

NAN = Decimal("NaN")


@pytest.mark.parametrize(
    ("figure", "field", "reason"),
    [
        (account.unrealized_pnl, "unrealized", "open P&L of position 32 (ETHUSDT) is unknown"),
        (account.total_position_value, "current_price", "current price of position 32 (ETHUSDT) is unknown"),
        (account.current_exposure, "current_price", "current price of position 32 (ETHUSDT) is unknown"),
        (account.position_sizes, "quantity", "quantity of position 32 (ETHUSDT) is unknown"),
        (account.position_sizes, "entry_price", "entry price of position 32 (ETHUSDT) is unknown"),
    ],
)
@pytest.mark.parametrize("value", [None, NAN])
def test_one_unknown_position_makes_the_sum_unknown(
    figure: Callable[[Facts], object], field: str, reason: str, value: Decimal | None
) -> None:
    found = facts(positions=(POSITION, replace(SHORT, **{field: value})))
    with pytest.raises(Unknown) as unknown:
        figure(found)
    assert str(unknown.value) == reason


def test_long_and_short_add_to_the_gross_notional() -> None:
    found = facts(positions=(POSITION, replace(SHORT, quantity=Decimal(-1))))
    assert account.position_sizes(found) == 7000
    assert account.total_position_value(found) == 7200
    assert account.current_exposure(found) == pytest.approx(7200 / 10200 * 100)


def test_several_positions_of_one_symbol_are_several() -> None:
    found = facts(positions=(POSITION, replace(POSITION, id=33)))
    assert (account.active_positions_count(found), account.unrealized_pnl(found)) == (2, 200)


def test_no_position_is_zero_not_unknown() -> None:
    found = facts(positions=())
    assert (account.unrealized_pnl(found), account.position_sizes(found), account.current_exposure(found)) == (
        0,
        0,
        0.0,
    )


@pytest.mark.parametrize("equity", ["0", "-5"])
@pytest.mark.parametrize("figure", [account.current_exposure, account.margin_usage])
def test_no_share_of_what_is_not_there(figure: Callable[[Facts], float], equity: str) -> None:
    with pytest.raises(Unknown, match=f"equity is {equity}: a share of it has no meaning"):
        figure(facts(account={"equity": Decimal(equity)}, equity=Equity(Decimal(equity), NOW)))


def test_without_an_adjustment_the_factor_is_one() -> None:
    found = facts(entry=Entry(NOW))
    assert account.dynamic_risk_factor(found) == 1.0
    assert account.dynamic_risk_active(found) is False
    assert account.dynamic_risk_reason(found) == "the newest entry was not adjusted"


@pytest.mark.parametrize(
    ("entry", "reason"), [(Entry(None), "nothing was entered yet"), (None, "risk adjustments cannot be read")]
)
def test_before_the_first_entry_no_factor_is_known(entry: Entry | None, reason: str) -> None:
    for figure in (account.dynamic_risk_factor, account.dynamic_risk_active, account.dynamic_risk_reason):
        with pytest.raises(Unknown, match=reason):
            figure(facts(entry=entry))


@pytest.mark.parametrize(
    ("filled", "word"), [(1000, "Good"), (945, "Good"), (944, "Fair"), (795, "Fair"), (794, "Poor"), (0, "Poor")]
)
def test_execution_quality_is_the_rounded_fill_rate(filled: int, word: str) -> None:
    found = facts(orders=OrderSums(filled, 1000 - filled, None, None))
    assert execution.fill_rate(found) == filled / 10
    assert execution.execution_quality(found) == (filled + 5) // 10
    assert execution.execution_quality_label(found) == word


RATES = (execution.fill_rate, execution.execution_quality, execution.execution_quality_label)
FILLS = (execution.avg_slippage, execution.order_latency)


@pytest.mark.parametrize("figure", [*RATES, *FILLS])
def test_without_orders_nothing_is_known_of_them(figure: Callable[[Facts], object]) -> None:
    with pytest.raises(Unknown, match="no order was filled" if figure in RATES else "no market order"):
        figure(facts(orders=OrderSums(0, 0, None, None)))
    with pytest.raises(Unknown, match="orders cannot be read"):
        figure(NOTHING)


def test_no_order_failed_where_there_was_none() -> None:
    assert execution.failed_orders(facts(orders=OrderSums(0, 0, None, None))) == 0


def test_what_was_logged_long_ago_says_nothing_of_now() -> None:
    for seconds, known in ((600, True), (601, False)):
        found = facts(market=Market(rsi=Logged(40.0, NOW - timedelta(seconds=seconds))))
        if known:
            assert execution.rsi(found) == 40
            continue
        with pytest.raises(Unknown, match="last logged 2026-11-22 14:22 UTC"):
            execution.rsi(found)
