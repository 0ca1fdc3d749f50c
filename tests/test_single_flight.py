"""Whoever asks for what is under way waits for that; nobody is given what began before a change."""

import asyncio
import gc

import pytest

from monitoring.single_flight import SingleFlight
from tests.waiting import until


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log without what asyncio says of the tasks that other tests left behind."""
    gc.collect()
    caplog.clear()
    return caplog


class Work:
    """Counts how often it was begun, and ends when it is let."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()
        self.flights: SingleFlight[str, int, int] = SingleFlight()

    async def do(self) -> int:
        self.begun += 1
        number = self.begun
        await self.may_end.wait()
        return number

    def ask(self, state: int = 0, key: str = "key") -> asyncio.Future[int]:
        return asyncio.shield(self.flights.join(key, state, self.do, lambda begun_at: begun_at >= state))


async def test_all_who_ask_meanwhile_share_one_result() -> None:
    work = Work()
    asked = [work.ask() for _ in range(100)]
    work.may_end.set()
    assert set(await asyncio.gather(*asked)) == {1}


async def test_after_the_end_the_next_one_begins_anew() -> None:
    work = Work()
    work.may_end.set()
    assert [await work.ask(), await work.ask()] == [1, 2]


async def test_keys_do_not_share() -> None:
    work = Work()
    asked = [work.ask(key="a"), work.ask(key="b")]
    work.may_end.set()
    assert await asyncio.gather(*asked) == [1, 2]


async def test_what_began_before_a_change_is_not_joined() -> None:
    work = Work()
    before, after, also_after = work.ask(0), work.ask(1), work.ask(1)
    early = work.ask(0)
    work.may_end.set()
    assert await asyncio.gather(before, after, also_after, early) == [1, 2, 2, 2]


async def test_one_who_goes_away_cancels_it_for_nobody() -> None:
    work = Work()
    goes, stays = work.ask(), work.ask()
    goes.cancel()
    work.may_end.set()
    assert await stays == 1


async def test_all_who_wait_are_given_the_error() -> None:
    flights: SingleFlight[str, None, None] = SingleFlight()

    async def fail() -> None:
        raise ZeroDivisionError

    asked = [asyncio.shield(flights.join("key", None, fail, lambda _state: True)) for _ in range(2)]
    for outcome in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(outcome, ZeroDivisionError)


async def test_an_error_that_nobody_waits_for_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    flights: SingleFlight[str, None, None] = SingleFlight()

    async def fail() -> None:
        raise ZeroDivisionError

    task = flights.join("key", None, fail, lambda _state: True)
    await until(task.done)
    del task
    gc.collect()
    assert not caplog.records


async def test_work_that_was_overtaken_ends_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    """The newer one, begun after a change, may be done before it."""
    flights: SingleFlight[str, int, None] = SingleFlight()
    may_end = asyncio.Event()

    async def wait() -> None:
        await may_end.wait()
        raise ZeroDivisionError

    slow = flights.join("key", 0, wait, lambda _state: True)
    quick = flights.join("key", 1, asyncio.Event().wait, lambda _state: False)
    quick.cancel()
    await until(quick.done)
    may_end.set()
    await until(slow.done)
    del slow
    gc.collect()
    assert not caplog.records
