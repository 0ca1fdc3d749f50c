"""Equity between two snapshots: balance and open P&L, as long as every price is fresh."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from monitoring.metrics.catalogue import evaluate
from monitoring.metrics.equity_now import equity_now
from tests.metrics.examples import ACCOUNT, NOW, POSITION, SHORT, facts

SIGN = NOW - timedelta(seconds=20)
SNAPSHOT_AT = NOW - timedelta(minutes=5)
BEFORE = {"equity_at": SNAPSHOT_AT, "balance_at": SNAPSHOT_AT}


def priced(**changes: Any) -> Any:
    return facts(account=BEFORE, positions=(replace(POSITION, priced_at=SIGN), replace(SHORT, **changes)))


def test_balance_and_open_pnl_at_the_time_of_the_newest_price() -> None:
    found = equity_now(priced(priced_at=SIGN - timedelta(seconds=9), unrealized=Decimal(-130)))
    assert found is not None
    assert (found.amount, found.at, found.is_now) == (10_070, SIGN, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"priced_at": None},
        {"priced_at": SIGN - timedelta(minutes=5, seconds=1)},
        {"priced_at": NOW + timedelta(minutes=2)},
        {"current_price": None},
        {"unrealized": None},
    ],
)
def test_one_price_that_is_not_fresh_leaves_the_snapshot(changes: dict[str, Any]) -> None:
    assert equity_now(priced(**({"priced_at": SIGN} | changes))) is None


def test_a_booking_after_the_snapshot_is_in_it_without_positions() -> None:
    found = equity_now(facts(account=BEFORE | {"balance_at": SIGN, "balance": Decimal(9_995)}, positions=()))
    assert found is not None
    assert (found.amount, found.at) == (9_995, SIGN)


def test_a_snapshot_newer_than_balance_and_prices_is_the_equity() -> None:
    assert equity_now(facts(account={"equity_at": NOW, "balance_at": SIGN}, positions=())) is None


def test_positions_that_cannot_be_read_leave_the_snapshot() -> None:
    assert equity_now(facts(account=BEFORE | {"balance_at": SIGN}, positions=None)) is None


def test_no_equity_of_now_while_the_engine_is_late() -> None:
    late = priced(priced_at=SIGN)
    assert equity_now(replace(late, last_written=NOW - timedelta(seconds=301))) is None


def test_what_a_figure_is_of_stands_beside_it() -> None:
    old = replace(POSITION, symbol="ETHUSDT", priced_at=NOW - timedelta(hours=2))
    found = evaluate(facts(account=ACCOUNT_BEFORE, positions=(replace(POSITION, priced_at=SIGN), old)))
    why = f"the price of ETHUSDT is of {NOW - timedelta(hours=2):%Y-%m-%d %H:%M} UTC"
    assert found.reasons["unrealized_pnl"] == found.reasons["current_exposure"] == why
    assert found.reasons["equity"] == f"of the newest snapshot, {NOW:%Y-%m-%d %H:%M} UTC: {why}"
    assert (found.values["unrealized_pnl"], found.values["equity"]) == (200, 10_200)


ACCOUNT_BEFORE = replace(ACCOUNT, equity_at=SNAPSHOT_AT)
