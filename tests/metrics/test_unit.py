"""Values are written in their unit."""

from monitoring.metrics.unit import Unit


def test_what_is_unknown_is_a_dash_in_every_unit() -> None:
    assert {unit.text(None) for unit in Unit} == {"—"}
