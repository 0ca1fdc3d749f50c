"""What a deal made, how well it was traded, and in which order it happened."""

from decimal import Decimal

import pytest

from monitoring.story.decision import decision_of
from monitoring.story.orders import Part, parts
from monitoring.story.points import extremes
from monitoring.story.results import Fee, made_of_position, made_of_trade, quality
from monitoring.story.steps import Rows, left_out, steps
from tests.story.rows import CLOSED, after, deal, decision, open_deal, order, position, stop, trade

EXIT = {"created_at": CLOSED, "filled_at": CLOSED}


def fees(commission: object, *orders: object) -> list[tuple[str, object]]:
    found = made_of_trade(deal(), trade(commission=commission), position(), orders, [])  # type: ignore[arg-type]
    return [(fee.label, fee.amount) for fee in found.fees]


def test_fees_are_told_by_order_where_they_add_up() -> None:
    entry, exit = order("ENTRY", commission=1), order("FULL_EXIT", commission=3)
    assert fees(4, entry, exit) == [("Entry fee", 1), ("Exit fee", 3)]
    assert fees(4, entry, stop(90, status="FILLED", commission=3)) == [("Entry fee", 1), ("Exit fee", 3)]
    assert fees(5, entry, exit) == [("Fees", 5)]
    assert fees(4, entry) == [("Fees", 4)]
    assert fees(None, entry, exit) == [("Fees", None)]


def sold() -> list[Part]:
    row = {"operation_type": "PARTIAL_EXIT", "timestamp": after(hours=2), "size": Decimal("0.05"),
           "price": Decimal(110), "pnl": Decimal(10)}  # fmt: skip
    return parts(position(), [row], [])


@pytest.mark.parametrize(("quantity", "included"), [(2, True), (1, False)])
def test_engines_differ_in_what_a_trade_holds_of_partial_exits(quantity: int, included: bool) -> None:
    found = made_of_trade(deal(quantity=quantity), trade(), position(), [], sold())
    assert found.parts is not None
    assert (found.parts.amount, found.parts.included) == (10, included)


def test_of_an_open_position_entry_fee_and_parts_are_told() -> None:
    found = made_of_position(open_deal(), [order("ENTRY", commission=1)], sold())
    assert (found.gross, found.fees, found.interest) == (24, (Fee("Entry fee", Decimal(1)),), None)
    assert made_of_position(open_deal(), [], []).fees == (Fee("Entry fee", None),)


def test_a_fee_of_zero_that_no_exchange_told_is_unknown() -> None:
    written, told = order("ENTRY", commission=0), order("ENTRY", commission=0, actual_commission=0)
    assert made_of_position(open_deal(), [written], []).fees == (Fee("Entry fee", None),)
    assert made_of_position(open_deal(), [told], []).fees == (Fee("Entry fee", Decimal(0)),)


def test_how_well_it_was_traded() -> None:
    found = quality(deal(), extremes(deal(), trade()))
    assert (found.heat_r, found.caught_percent, found.left) == (Decimal("0.5"), 60, 16)


@pytest.mark.parametrize(
    ("columns", "caught", "why"),
    [
        ({"exit_price": 97}, None, "it ended worse than it began"),
        ({"mfe": 0, "mfe_price": None, "exit_price": 97}, None, "the price never was better than the entry"),
        ({"mfe_price": None}, None, "the best price was not recorded"),
        ({"exit_price": None}, None, "the exit price is not known"),
        ({"exit_price": 130}, 100, None),
    ],
)
def test_what_was_caught_of_the_best(columns: dict[str, object], caught: object, why: str | None) -> None:
    found = quality(deal(**columns), extremes(deal(**columns), trade(**columns)))
    assert (found.caught_percent, found.why_not_caught) == (caught, why)


def test_a_short_is_told_the_other_way_round() -> None:
    columns = {"side": "SHORT", "exit_price": 88, "mfe_price": 80, "mae_price": 105}
    points = extremes(deal(**columns), trade(**columns))
    assert points.worst is not None
    assert (points.worst.percent, points.worst.amount) == (-5, -10)
    assert quality(deal(**columns), points).caught_percent == 60


def kinds(**columns: object) -> list[str]:
    rows = Rows(
        trade(),
        position(**columns),
        orders=[order("ENTRY"), stop(90, created_at=after(seconds=1)), order("FULL_EXIT", **EXIT)],
    )
    told = decision_of(deal(), [decision()], None)
    return [step.kind for step in steps(deal(), rows, told, sold(), extremes(deal(), trade()))]


def test_what_happened_stands_in_the_order_of_time() -> None:
    assert kinds() == ["decision", "entry", "stop", "extreme", "part", "extreme", "exit"]


def test_what_is_missing_is_said_and_not_told() -> None:
    columns = {"mfe_price": None, "mae_price": None}
    points = extremes(deal(**columns), trade(**columns))
    said = " ".join(
        left_out(deal(), Rows(trade(), None, unread={"strategy_executions": "there is none"}), None, points)
    )
    assert "there is none" in said
    assert "which position" in said
    assert "worst and the best" in said


def test_nothing_is_said_to_be_missing_of_a_whole_story() -> None:
    rows = Rows(trade(), position(), orders=[order("ENTRY"), stop(90)])
    assert left_out(deal(), rows, decision_of(deal(), [decision()], None), extremes(deal(), trade())) == []
