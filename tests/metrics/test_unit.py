"""Labels of a chart's axis are written in the unit of its values."""

import pytest

from monitoring.metrics.unit import Unit


@pytest.mark.parametrize(
    ("unit", "value", "signed", "text"),
    [
        (Unit.MONEY, 11_500.0, False, "11,500"),
        (Unit.MONEY, 250.0, True, "+250"),
        (Unit.MONEY, -250.0, True, "−250"),
        (Unit.MONEY, 0.0, True, "0"),
        (Unit.PERCENT, -7.5, False, "−7.5\u202f%"),
    ],
)
def test_labels_of_an_axis(unit: Unit, value: float, signed: bool, text: str) -> None:
    assert unit.tick(value, signed) == text


def test_what_is_unknown_is_a_dash_in_every_unit() -> None:
    assert {unit.text(None) for unit in Unit} == {"—"}
