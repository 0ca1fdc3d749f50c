"""Whatever keeps failing is tried ever more rarely, and soon again once it has worked."""

from monitoring.backoff import Backoff
from tests.clocks import ManualClock


def test_pauses_double_up_to_the_longest() -> None:
    hands = ManualClock()
    backoff, pauses = Backoff(0.5, 3, hands.clock), []
    for _ in range(5):
        pauses.append(backoff.next())
        hands.forward(seconds=pauses[-1])
    assert pauses == [0.5, 1, 2, 3, 3]


def test_after_a_while_without_failure_the_first_again() -> None:
    hands = ManualClock()
    backoff = Backoff(1, 4, hands.clock)
    backoff.next()
    hands.forward(seconds=1 + 4)
    assert backoff.next() == 2
    hands.forward(seconds=2 + 4.001)
    assert backoff.next() == 1
