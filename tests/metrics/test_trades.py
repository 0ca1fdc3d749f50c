"""The figures of closed trades equal those of a plain list of their net results."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics import trades
from monitoring.metrics.facts import TradeSums
from monitoring.metrics.value import Unknown

results = st.lists(st.integers(-1000, 1000).map(lambda cents: Decimal(cents) / 100), max_size=40)
of_all = [
    trades.total_pnl,
    trades.win_rate,
    trades.winning,
    trades.losing,
    trades.breakeven,
    trades.profit_factor,
    trades.expectancy,
    trades.avg_win_loss_ratio,
]


def sums(nets: Sequence[Decimal | None]) -> TradeSums:
    known = [net for net in nets if net is not None]
    wins, losses = [net for net in known if net > 0], [net for net in known if net < 0]
    return TradeSums(
        total=len(nets),
        wins=len(wins),
        losses=len(losses),
        breakeven=len(known) - len(wins) - len(losses),
        unknown=len(nets) - len(known),
        gross=sum(known, Decimal(0)),
        gross_wins=sum((net for net in known if net > 0), Decimal(0)),
        fees=Decimal(0),
        interest=Decimal(0),
        net_wins=sum(wins, Decimal(0)),
        net_losses=sum(losses, Decimal(0)),
        risk=None,
        today=Decimal(0),
        today_count=0,
        week=Decimal(0),
        outcomes="",
    )


@given(nets=results)
def test_figures_equal_those_of_the_list(nets: list[Decimal]) -> None:
    every = [float(net) for net in nets]
    wins, losses = [net for net in every if net > 0], [net for net in every if net < 0]
    assert float(trades.total_pnl(sums(nets))) == pytest.approx(sum(every), abs=1e-9)
    if every:
        assert trades.win_rate(sums(nets)) == pytest.approx(100 * len(wins) / len(every))
        assert float(trades.expectancy(sums(nets))) == pytest.approx(sum(every) / len(every), abs=1e-9)
    if losses:
        assert trades.profit_factor(sums(nets)) == pytest.approx(sum(wins) / -sum(losses))
    if wins and losses:
        expected = (sum(wins) / len(wins)) / (-sum(losses) / len(losses))
        assert trades.avg_win_loss_ratio(sums(nets)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("figure", "nets", "reason"),
    [
        (trades.win_rate, [], "no closed trades"),
        (trades.expectancy, [], "no closed trades"),
        (trades.profit_factor, [], "no closed trades"),
        (trades.profit_factor, ["5", "0"], "no losing trades"),
        (trades.avg_win_loss_ratio, ["5"], "no losing trades"),
        (trades.avg_win_loss_ratio, ["-5", "0"], "no winning trades"),
        (trades.risk_per_trade, ["5"], "no trade with entry, first stop, quantity and balance at entry"),
    ],
)
def test_says_why_there_is_no_figure(figure: object, nets: list[str | None], reason: str) -> None:
    assert callable(figure)
    with pytest.raises(Unknown) as unknown:
        figure(sums([None if net is None else Decimal(net) for net in nets]))
    assert str(unknown.value) == reason


@pytest.mark.parametrize("figure", of_all)
def test_a_sum_that_leaves_a_trade_out_is_no_figure(figure: Callable[[TradeSums], object]) -> None:
    with pytest.raises(Unknown, match="1 of 3 closed trades has no known P&L"):
        figure(sums([Decimal(5), None, Decimal(-2)]))
    with pytest.raises(Unknown, match="2 of 3 closed trades have no known P&L"):
        figure(sums([None, None, Decimal(-2)]))


def test_an_unknown_trade_of_last_year_leaves_today_as_it_is() -> None:
    known = replace(sums([None]), today=Decimal(7), today_count=2, week=Decimal(9), week_count=3)
    assert (trades.today(known), trades.week(known)) == (7, 9)
    with pytest.raises(Unknown, match="1 of 2 trades of today has no known P&L"):
        trades.today(replace(known, today_unknown=1))
    with pytest.raises(Unknown, match="1 of 3 trades of the last 7 days has no known P&L"):
        trades.week(replace(known, week_unknown=1))


def test_no_trade_is_no_profit_and_no_loss() -> None:
    assert trades.total_pnl(sums([])) == 0


def test_losing_trades_alone_have_a_profit_factor_of_zero() -> None:
    assert trades.profit_factor(sums([Decimal(-5)])) == 0.0
