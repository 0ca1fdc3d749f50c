"""A cache with a limit."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, ValuesView
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lru(Generic[K, V]):
    """A mapping that drops what was used longest ago once all entries weigh more than ``limit``.

    ``weigh`` gives the weight of one entry, which must not change while it is kept; by default each weighs 1.
    """

    def __init__(self, limit: int, weigh: Callable[[K, V], int] = lambda _key, _value: 1) -> None:
        self._limit = limit
        self._weigh = weigh
        self._weight = 0
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, which counts as used now; None where there is none."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> V:
        """Keeps ``value`` in place of what was kept under ``key``, and gives it back."""
        if key in self._entries:
            self._weight -= self._weigh(key, self._entries.pop(key))
        self._entries[key] = value
        self._weight += self._weigh(key, value)
        while self._weight > self._limit:
            self._weight -= self._weigh(*self._entries.popitem(last=False))
        return value

    def values(self) -> ValuesView[V]:
        """All values, the one that was used longest ago first."""
        return self._entries.values()

    def clear(self) -> None:
        self._entries.clear()
        self._weight = 0
