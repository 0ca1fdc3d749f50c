"""Which sessions are one bot."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from monitoring.bots.chains import Run, chains
from monitoring.bots.current import current
from tests.metrics.examples import SESSION

NOON = datetime(2026, 11, 22, 12)


def run(number: int, hours: float, ended: float | None = None, **changes: object) -> Run:
    """A LIVE run that began so many hours before noon, and ended so many before it."""
    start = NOON - timedelta(hours=hours)
    end = None if ended is None else NOON - timedelta(hours=ended)
    own = {name: changes.pop(name) for name in ("end", "last_sign", "silent", "currency") if name in changes}
    known = {"strategy": "s", "symbols": ("BTC",), "exchange": None, "initial_balance": Decimal(1000)} | changes
    session = replace(SESSION, id=number, **{"start": start, **known})
    return replace(Run(session, end, end or NOON, silent=False), **own)


def found(*runs: Run, balances: Mapping[tuple[int, int], int] | None = None) -> list[list[int]]:
    known = balances or {}
    made = chains(runs, lambda earlier, later: Decimal(known.get((earlier.id, later.id), 1000)))
    return sorted([one.id for one in chain] for chain in made)


def test_a_restart_goes_on_with_the_same_bot() -> None:
    assert found(run(1, 30, 20), run(2, 19.9, 10), run(3, 10)) == [[1, 2, 3]]


def test_a_week_and_more_of_silence_begins_another_bot() -> None:
    assert found(run(1, 1000, 24 * 7 + 2), run(2, 1)) == [[1], [2]]
    assert found(run(1, 1000, 24 * 7), run(2, 1)) == [[1, 2]]


def test_clocks_may_differ_by_a_minute() -> None:
    start = NOON - timedelta(hours=5)
    for seconds, expected in ((60, [[1, 2]]), (61, [[1], [2]])):
        first = replace(run(1, 9), end=start + timedelta(seconds=seconds))
        assert found(first, run(2, 5)) == expected


def test_sessions_at_the_ends_of_time_are_bots_as_any_other() -> None:
    ever, never = datetime.min, datetime.max  # noqa: DTZ901 - what infinite times are read as
    assert found(run(1, 30, start=ever), run(2, 20, 10), run(3, 9, start=never)) == [[1], [2], [3]]


def test_two_bots_deployed_at_once_stay_apart() -> None:
    eth = ("ETH",)
    runs = (run(1, 72, 1.1), run(2, 72, 1.2, symbols=eth), run(3, 1, symbols=eth), run(4, 1))
    assert found(*runs) == [[1, 4], [2, 3]]


def test_of_two_possible_successors_the_first_goes_on() -> None:
    assert found(run(1, 48, 2), run(2, 1.9), run(3, 1.8)) == [[1, 2], [3]]


def test_another_mode_or_exchange_is_another_bot() -> None:
    assert found(run(1, 9, 5), run(2, 4, mode="PAPER")) == [[1], [2]]
    assert found(run(1, 9, 5), run(2, 4, exchange="kraken")) == [[1], [2]]
    assert found(run(1, 9, 5, mode="BACKTEST"), run(2, 4, mode="BACKTEST")) == [[1], [2]]
    assert found(run(1, 9, 5, currency="USD"), run(2, 4, currency="BTC")) == [[1], [2]]
    assert found(run(1, 9, 5, currency="USD"), run(2, 4)) == [[1, 2]]


def test_another_strategy_goes_on_if_the_balance_does() -> None:
    later = run(2, 4, strategy="other")
    assert found(run(1, 9, 5), later, balances={(1, 2): 1004}) == [[1, 2]]
    assert found(run(1, 9, 5), later, balances={(1, 2): 1006}) == [[1], [2]]
    assert found(run(1, 9, 5), run(2, 4, strategy="other", symbols=("ETH",))) == [[1], [2]]


def test_a_bot_that_still_lives_has_no_successor_of_another_name() -> None:
    alive = run(1, 9, last_sign=NOON - timedelta(hours=5), silent=False)
    later = run(2, 4, strategy="other")
    assert found(alive, later) == [[1], [2]]
    assert found(replace(alive, silent=True), later) == [[1, 2]]


def test_paper_money_that_was_reset_is_another_bot() -> None:
    runs = (run(1, 9, 5, mode="PAPER"), run(2, 4, mode="PAPER"))
    assert found(*runs, balances={(1, 2): 1003}) == [[1, 2]]
    assert found(*runs, balances={(1, 2): 1500}) == [[1], [2]]


RUNS = st.lists(
    st.builds(
        lambda hours, length, mode, strategy, ended: (hours, hours - length if ended else None, mode, strategy),
        st.floats(1, 500),
        st.floats(0, 200),
        st.sampled_from(("LIVE", "PAPER", "BACKTEST")),
        st.sampled_from(("a", "b")),
        st.booleans(),
    ),
    max_size=12,
)


@given(RUNS)
def test_every_session_is_in_exactly_one_chain(drawn: list[tuple[float, float | None, str, str]]) -> None:
    runs = [run(n, hours, ended, mode=mode, strategy=s) for n, (hours, ended, mode, s) in enumerate(drawn, 1)]
    made = chains(runs, lambda _earlier, _later: Decimal(1000))
    assert sorted(one.id for chain in made for one in chain) == [one.id for one in runs]
    for chain in made:
        assert list(chain) == sorted(chain, key=lambda one: one.order)
        assert len({one.kind for one in chain}) == 1


def shown(*runs: Run, now: datetime = NOON) -> int | None:
    chain = current(chains(runs, lambda _earlier, _later: None), now)
    return chain[0].id if chain else None


def test_live_is_shown_before_paper_though_it_is_silent() -> None:
    assert shown(run(1, 9, silent=True), run(2, 5, mode="PAPER", strategy="p")) == 1


def test_a_restart_does_not_hide_the_bot() -> None:
    paper = run(2, 5, mode="PAPER", strategy="p")
    assert shown(run(1, 9, 14 / 60), paper) == 1
    assert shown(run(1, 9, 16 / 60), paper) == 2


def test_of_two_that_live_the_older_one_is_shown() -> None:
    assert shown(run(1, 9), run(2, 8, strategy="b")) == 1


def test_no_sessions_are_no_bot() -> None:
    assert shown() is None
