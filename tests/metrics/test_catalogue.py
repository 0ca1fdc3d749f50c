"""The catalogue holds every promised metric, and evaluating it never fails and never guesses."""

import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics.catalogue import BY_KEY, CATALOGUE, Metric, evaluate
from monitoring.metrics.facts import Daily, Risk
from monitoring.metrics.unit import Unit
from monitoring.metrics.value import Unknown
from tests.metrics.examples import FACTS, NOTHING, NOW, RETURNS, facts

PROMISED = """
    api_connection_status data_feed_status last_data_update system_uptime error_count error_rate_hourly api_latency
    errors_last_hour
    current_drawdown max_drawdown daily_pnl weekly_pnl total_pnl position_sizes total_position_value
    current_exposure margin_usage risk_per_trade risk_per_trade_median volatility
    dynamic_risk_factor dynamic_risk_reason dynamic_risk_active
    current_balance equity active_positions_count available_margin unrealized_pnl
    win_rate total_trades winning_trades losing_trades breakeven_trades
    profit_factor expectancy avg_win_loss_ratio recent_trade_outcomes
    sharpe_ratio sortino_ratio calmar_ratio cagr total_return
    gross_pnl fees_paid interest_paid cost_share cost_of_wins realized_open unexplained
    net_exposure heat heat_percent heat_r heat_from_entry unprotected_positions risk_per_trade_configured
    fill_rate failed_orders avg_slippage order_latency execution_quality
    execution_quality_label
    current_strategy price_change_24h rsi ema_trend
""".split()  # noqa: SIM905 - in the contract's rows it can be compared with it


EXPECTED = {
    "data_feed_status": "Active",
    "last_data_update": NOW - timedelta(seconds=20),
    "system_uptime": 4320.0,
    "error_count": 3,
    "error_rate_hourly": 25,
    "errors_last_hour": 1,
    "api_connection_status": None,
    "api_latency": None,
    "current_drawdown": 0.5,
    "max_drawdown": 2.0,
    "daily_pnl": Decimal(20),
    "weekly_pnl": Decimal(70),
    "total_pnl": Decimal(100),
    "position_sizes": Decimal(7000),
    "total_position_value": Decimal(7200),
    "current_exposure": pytest.approx(7200 / 10200 * 100),
    "net_exposure": pytest.approx(3000 / 10200 * 100),
    "heat": Decimal(200),
    "heat_percent": pytest.approx(200 / 10200 * 100),
    "heat_from_entry": Decimal(100),
    "heat_r": pytest.approx(200 / 150),
    "unprotected_positions": 1,
    "risk_per_trade_configured": pytest.approx(2.0),
    "margin_usage": pytest.approx(5),
    "risk_per_trade": pytest.approx(1.5),
    "risk_per_trade_median": pytest.approx(1.4),
    "volatility": pytest.approx(stdev(RETURNS) * math.sqrt(365) * 100),
    "dynamic_risk_factor": 0.5,
    "dynamic_risk_reason": "drawdown",
    "dynamic_risk_active": True,
    "current_balance": Decimal(10100),
    "equity": Decimal(10200),
    "active_positions_count": 2,
    "available_margin": Decimal(9690),
    "unrealized_pnl": Decimal(0),
    "win_rate": 50.0,
    "total_trades": 4,
    "winning_trades": 2,
    "losing_trades": 1,
    "breakeven_trades": 1,
    "profit_factor": 3.0,
    "expectancy": Decimal(25),
    "avg_win_loss_ratio": 1.5,
    "recent_trade_outcomes": "WLBW",
    "sharpe_ratio": pytest.approx(fmean(RETURNS) / stdev(RETURNS) * math.sqrt(365)),
    "sortino_ratio": pytest.approx(fmean(RETURNS) / math.sqrt(0.005**2 / 2) * math.sqrt(365)),
    "calmar_ratio": pytest.approx(((1.01 * 0.995) ** (15 * 365 / 30) - 1) * 100 / 2),
    "cagr": pytest.approx(((1.01 * 0.995) ** (15 * 365 / 30) - 1) * 100),
    "total_return": pytest.approx(2.0),
    "gross_pnl": Decimal(110),
    "fees_paid": Decimal(8),
    "interest_paid": Decimal(2),
    "cost_share": pytest.approx(1000 / 110),
    "cost_of_wins": pytest.approx(1000 / 160),
    "realized_open": Decimal(10),
    "unexplained": Decimal(1),
    "fill_rate": 90.0,
    "failed_orders": 2,
    "avg_slippage": 0.02,
    "order_latency": 120.0,
    "execution_quality": 90.0,
    "execution_quality_label": "Fair",
    "current_strategy": "ml_basic",
    "price_change_24h": -1.5,
    "rsi": 55.0,
    "ema_trend": "Bullish",
}


def test_holds_exactly_what_is_promised() -> None:
    assert sorted(metric.key for metric in CATALOGUE) == sorted(PROMISED)
    assert list(BY_KEY.values()) == list(CATALOGUE)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.key)
def test_every_metric_explains_itself(metric: Metric) -> None:
    for field in ("label", "meaning", "source"):
        text = getattr(metric, field)
        assert text
        assert text == text.strip(" .")


def test_evaluates_a_session_by_hand_computed_figures() -> None:
    assert evaluate(FACTS).values == EXPECTED


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.key)
def test_values_have_the_type_of_their_unit(metric: Metric) -> None:
    value = evaluate(FACTS, [metric]).values[metric.key]
    assert value is None or type(value) is (Decimal if metric.unit is Unit.MONEY else metric.unit.api_type)


def test_knows_nothing_of_what_could_not_be_read() -> None:
    evaluation = evaluate(NOTHING)
    known = {key for key, value in evaluation.values.items() if value is not None}
    assert known == {
        "system_uptime",
        "current_strategy",
        "data_feed_status",
        "last_data_update",
    }
    assert not [reason for reason in evaluation.reasons.values() if reason.startswith("could not be computed")]


numbers = st.none() | st.floats() | st.sampled_from([0.0, -1.0, 1e-300, 1e300])
decimals = st.none() | st.decimals() | st.sampled_from([Decimal("NaN"), Decimal("Infinity"), Decimal("-0")])


@given(data=st.data())
def test_never_gives_nan_and_a_reason_for_each_none(data: st.DataObject) -> None:
    def account() -> dict[str, Decimal | None]:
        names = ("balance", "equity", "margin_used", "margin_available")
        return {name: data.draw(decimals.filter(lambda d: d is None or not d.is_snan())) for name in names}

    index = np.array(data.draw(st.lists(st.floats(), max_size=6)))
    dates = tuple(NOW.date() + timedelta(days=number) for number in range(len(index)))
    assert FACTS.drawdown
    assert FACTS.orders
    varied = facts(
        account=account(),
        daily=Daily(dates, index, index),
        drawdown=replace(FACTS.drawdown, maximum=data.draw(st.floats()), current=data.draw(st.floats())),
        orders=replace(FACTS.orders, latency_ms=data.draw(numbers), slippage_percent=data.draw(numbers)),
        trades={
            "net_wins": data.draw(st.decimals(0, 10**9)),
            "risk": Risk(data.draw(st.floats()), data.draw(st.floats())),
        },
    )
    evaluation = evaluate(varied)
    assert list(evaluation.values) == [metric.key for metric in CATALOGUE]
    assert {key for key, value in evaluation.values.items() if value is None} == set(evaluation.reasons)
    assert all(evaluation.reasons.values())
    for value in evaluation.values.values():
        assert not isinstance(value, float | Decimal) or math.isfinite(value)


def metric(key: str, compute: object) -> Metric:
    return replace(CATALOGUE[0], key=key, unit=Unit.RATIO, compute=compute)  # type: ignore[arg-type]


def test_a_broken_metric_does_not_take_the_others_down(caplog: pytest.LogCaptureFixture) -> None:
    def unknown(_: object) -> float:
        raise Unknown("the moon is in the wrong house")

    evaluation = evaluate(
        FACTS,
        [
            metric("broken", lambda facts: 1 / 0),
            metric("endless", lambda facts: math.inf),
            metric("huge", lambda facts: 10**400),
            metric("nothing", lambda facts: None),
            metric("moon", unknown),
            metric("fine", lambda facts: 42),
        ],
    )
    assert evaluation.values == dict.fromkeys(("broken", "endless", "huge", "nothing", "moon")) | {"fine": 42}
    assert evaluation.reasons == {
        "broken": "could not be computed (ZeroDivisionError)",
        "endless": "not a finite number",
        "huge": "not a finite number",
        "nothing": "what it is made of is not known",
        "moon": "the moon is in the wrong house",
    }
    assert caplog.messages == ["the metric broken could not be computed: ZeroDivisionError('division by zero')"]
