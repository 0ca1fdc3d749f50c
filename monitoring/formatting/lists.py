"""Many names in one sentence."""

from collections.abc import Sequence

MAX_NAMED_COUNT = 3


def few(names: Sequence[str], joint: str = ", ") -> str:
    """BTCUSDT, ETHUSDT, SOLUSDT and 22 more."""
    rest = len(names) - MAX_NAMED_COUNT
    return joint.join(names[:MAX_NAMED_COUNT]) + (f" and {rest:,} more" if rest > 0 else "")
