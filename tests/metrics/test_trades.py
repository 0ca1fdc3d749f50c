"""The figures of closed trades equal those of a plain list of their net results."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics import trades
from monitoring.metrics.facts import TradeSums
from monitoring.metrics.value import Unknown

results = st.lists(st.none() | st.integers(-1000, 1000).map(lambda cents: Decimal(cents) / 100), max_size=40)


def sums(nets: list[Decimal | None]) -> TradeSums:
    known = [net for net in nets if net is not None]
    wins, losses = [net for net in known if net > 0], [net for net in known if net < 0]
    return TradeSums(
        total=len(nets),
        wins=len(wins),
        losses=len(losses),
        breakeven=len(known) - len(wins) - len(losses),
        unknown=len(nets) - len(known),
        gross=sum(known, Decimal(0)),
        fees=Decimal(0),
        interest=Decimal(0),
        net_wins=sum(wins, Decimal(0)),
        net_losses=sum(losses, Decimal(0)),
        risk_sum=0.0,
        risk_count=0,
        today=Decimal(0),
        today_count=0,
        week=Decimal(0),
        outcomes="",
    )


@given(nets=results)
def test_figures_equal_those_of_the_list(nets: list[Decimal | None]) -> None:
    known = [float(net) for net in nets if net is not None]
    wins, losses = [net for net in known if net > 0], [net for net in known if net < 0]
    if known:
        assert trades.win_rate(sums(nets)) == pytest.approx(100 * len(wins) / len(known))
        assert float(trades.expectancy(sums(nets))) == pytest.approx(sum(known) / len(known), abs=1e-9)
        assert float(trades.total_pnl(sums(nets))) == pytest.approx(sum(known), abs=1e-9)
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
        (trades.win_rate, [None], "the P&L of every closed trade is unknown"),
        (trades.total_pnl, [None], "the P&L of every closed trade is unknown"),
        (trades.risk_per_trade, ["5"], "no trade with entry, stop, quantity and balance at entry"),
    ],
)
def test_says_why_there_is_no_figure(figure: object, nets: list[str | None], reason: str) -> None:
    assert callable(figure)
    with pytest.raises(Unknown) as unknown:
        figure(sums([None if net is None else Decimal(net) for net in nets]))
    assert str(unknown.value) == reason


def test_no_trade_is_no_profit_and_no_loss() -> None:
    assert trades.total_pnl(sums([])) == 0


def test_losing_trades_alone_have_a_profit_factor_of_zero() -> None:
    assert trades.profit_factor(sums([Decimal(-5)])) == 0.0
