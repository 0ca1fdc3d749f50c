"""The next signal to a viewer."""

from monitoring.signals.subscription import Signal, Subscription
from tests.waiting import WAIT_SECONDS


async def signal_to(viewer: Subscription) -> Signal:
    signal = await viewer.next(WAIT_SECONDS)
    assert signal is not None, "no signal came"
    return signal
