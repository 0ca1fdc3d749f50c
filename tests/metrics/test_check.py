"""An entry that the dashboard does not understand is named in one sentence, and nothing starts with it."""

from dataclasses import replace
from typing import Any

import pytest

from monitoring import dashboard
from monitoring.dashboard import MonitoringDashboard
from monitoring.database.schema import COLUMNS
from monitoring.metrics.catalogue import BY_KEY, CATALOGUE
from monitoring.metrics.check import BadMetric, by_key, check


def test_the_catalogue_names_tables_and_columns_that_exist() -> None:
    check(CATALOGUE, COLUMNS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"key": "Fees paid"}, "metric 'Fees paid': expected a key such as fees_paid, and not reasons"),
        ({"key": "reasons"}, "metric 'reasons': expected a key such as fees_paid, and not reasons"),
        ({"unit": "money"}, "metric rsi: unit='money': expected one of Unit.MONEY, "),
        ({"card": "fees"}, "metric rsi: card='fees': expected one of health, orders, "),
        ({"good": True}, "metric rsi: good=True: expected one of None, high, low"),
        ({"priority": "urgent"}, "metric rsi: priority='urgent': expected one of high, medium, low"),
        ({"source": "the moon"}, "metric rsi: source='the moon': expected the name of a table, such as trades"),
        ({"source": "trades.fee"}, "metric rsi: source='trades.fee': expected a table or a column of it instead of tr"),
        ({"source": "trades: exit_fee"}, "metric rsi: source='trades: exit_fee': expected a table or a column of it"),
    ],
)
def test_a_wrong_entry_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadMetric) as refused:
        check([replace(BY_KEY["rsi"], **change)], COLUMNS)
    assert str(refused.value).startswith(sentence)


def test_a_wrong_entry_ends_the_start(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    wrong = replace(BY_KEY["rsi"], card="fees")  # type: ignore[arg-type]
    monkeypatch.setattr(dashboard, "get_dashboard_metrics", lambda: {"rsi": wrong})
    with pytest.raises(SystemExit, match=r"^atb: metric rsi: card='fees': expected one of health"):
        MonitoringDashboard(database_url).run()


@pytest.mark.parametrize("collect", [by_key, lambda metrics: {metric.key: metric for metric in metrics}])
def test_no_key_is_taken_from_another_metric(collect: Any, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    mine = replace(BY_KEY["rsi"], label="My RSI")
    monkeypatch.setattr(dashboard, "get_dashboard_metrics", lambda: collect((*CATALOGUE, mine)))
    with pytest.raises((SystemExit, BadMetric), match=r"metric rsi: there are two of this key; expected another key"):
        MonitoringDashboard(database_url).run()
