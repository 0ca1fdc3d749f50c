"""The update events for event streams: what each has not been sent yet, merged, so that a slow reader costs little."""

from collections.abc import Callable, Iterable
from typing import Any

MOST_ROWS = 500
"""Trades, and positions, that are kept for one reader; of more, the newest."""

Event = tuple[str, dict[str, Any]]


class Unsent:
    """The newest metrics, and every trade and position once. ``wake`` is called when there is something."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._metrics: dict[str, Any] | None = None
        self._trades: dict[int, object] = {}
        self._positions: dict[int, object] = {}
        self._closed: dict[int, object] = {}

    def add(self, event: str, payload: dict[str, Any]) -> None:
        match event:
            case "metrics_update":
                self._metrics = payload
            case "trade_update":
                _merge(self._trades, ((trade["id"], trade) for trade in payload["trades"]))
            case "position_update":
                self._add_positions(payload)
            case _:
                raise ValueError(f"{event}: expected metrics_update, trade_update or position_update")
        self._wake()

    def _add_positions(self, payload: dict[str, Any]) -> None:
        for position in payload["positions"]:
            self._closed.pop(position["id"], None)
        for closed in payload["closed"]:
            self._positions.pop(closed, None)
        _merge(self._positions, ((position["id"], position) for position in payload["positions"]))
        _merge(self._closed, ((closed, None) for closed in payload["closed"]))

    def take(self) -> list[Event]:
        """Everything there is, once."""
        events: list[Event] = []
        if self._trades:
            events.append(("trade_update", {"trades": list(self._trades.values())}))
        if self._positions or self._closed:
            positions = {"positions": list(self._positions.values()), "closed": list(self._closed)}
            events.append(("position_update", positions))
        if self._metrics is not None:
            events.append(("metrics_update", self._metrics))
        self._metrics, self._trades, self._positions, self._closed = None, {}, {}, {}
        return events


def _merge(kept: dict[int, object], rows: Iterable[tuple[int, object]]) -> None:
    for number, row in rows:
        kept.pop(number, None)  # so that the newest stands last
        kept[number] = row
    while len(kept) > MOST_ROWS:
        del kept[next(iter(kept))]


class Streams:
    """The event streams that asked for the update events."""

    def __init__(self) -> None:
        self._open: set[Unsent] = set()

    @property
    def listeners(self) -> int:
        return len(self._open)

    def join(self, wake: Callable[[], None]) -> Unsent:
        unsent = Unsent(wake)
        self._open.add(unsent)
        return unsent

    def leave(self, unsent: Unsent) -> None:
        self._open.discard(unsent)

    async def emit(self, event: str, payload: dict[str, Any]) -> None:
        for unsent in self._open:
            unsent.add(event, payload)
