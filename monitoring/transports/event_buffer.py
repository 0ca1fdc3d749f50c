"""The update events that one client was not sent yet, merged, so that a slow reader costs little memory."""

from collections.abc import Iterable
from typing import Any

from monitoring.signals.subscription import Subscription

MAX_KEPT_ROWS = 500
"""Of trades, and of positions; of more, the newest are kept."""

Event = tuple[str, dict[str, Any]]


class EventBuffer:
    """The newest metrics, and every trade and position once. A new event wakes the client's ``subscription``."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
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
        self._subscription.wake()

    def _add_positions(self, payload: dict[str, Any]) -> None:
        for position in payload["positions"]:
            self._closed.pop(position["id"], None)
        for closed in payload["closed"]:
            self._positions.pop(closed, None)
        _merge(self._positions, ((position["id"], position) for position in payload["positions"]))
        _merge(self._closed, ((closed, None) for closed in payload["closed"]))

    def take(self) -> list[Event]:
        """Empties the buffer."""
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
    while len(kept) > MAX_KEPT_ROWS:
        del kept[next(iter(kept))]


class EventStreams:
    """The buffers of all clients that want the update events, over Socket.IO or as an event stream."""

    def __init__(self) -> None:
        self._buffers: set[EventBuffer] = set()

    def __len__(self) -> int:
        return len(self._buffers)

    def join(self, buffer: EventBuffer) -> None:
        self._buffers.add(buffer)

    def leave(self, buffer: EventBuffer) -> None:
        """Does nothing when it is not there."""
        self._buffers.discard(buffer)

    def emit(self, event: str, payload: dict[str, Any]) -> None:
        for buffer in self._buffers:
            buffer.add(event, payload)
