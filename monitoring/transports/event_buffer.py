"""The update events that one client was not sent yet, merged, so that a slow reader costs little memory."""

from collections.abc import Iterable, Mapping
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
        self._removed: dict[int, object] = {}
        self._positions: dict[int, object] = {}
        self._closed: dict[int, object] = {}

    def add(self, event: str, payload: dict[str, Any]) -> None:
        match event:
            case "metrics_update":
                self._metrics = payload
            case "trade_update":
                _replace(self._trades, payload["trades"], self._removed, payload.get("removed", ()))
            case "position_update":
                _replace(self._positions, payload["positions"], self._closed, payload["closed"])
            case _:
                raise ValueError(f"{event}: expected metrics_update, trade_update or position_update")
        self._subscription.wake()

    def take(self) -> list[Event]:
        """Empties the buffer."""
        events: list[Event] = []
        if self._trades or self._removed:
            removed = {"removed": list(self._removed)} if self._removed else {}
            events.append(("trade_update", {"trades": list(self._trades.values()), **removed}))
        if self._positions or self._closed:
            positions = {"positions": list(self._positions.values()), "closed": list(self._closed)}
            events.append(("position_update", positions))
        if self._metrics is not None:
            events.append(("metrics_update", self._metrics))
        self._metrics = None
        for kept in (self._trades, self._removed, self._positions, self._closed):
            kept.clear()
        return events


def _replace(
    shown: dict[int, object], rows: Iterable[Mapping[str, Any]], gone: dict[int, object], ids: Iterable[int]
) -> None:
    """Takes in rows that are there, and ids of those that are gone."""
    found, missing = {row["id"]: row for row in rows}, dict.fromkeys(ids)
    for number in found:
        gone.pop(number, None)
    for number in missing:
        shown.pop(number, None)
    _merge(shown, found.items())
    _merge(gone, missing.items())


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
