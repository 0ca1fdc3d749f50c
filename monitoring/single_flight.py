"""Work that several ask for at the same time, and that is done once for all of them."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
S = TypeVar("S")
T = TypeVar("T")


class SingleFlight(Generic[K, S, T]):
    """Tasks under way, by key: whoever asks meanwhile is given the result, or the error, of the same task.

    Await them through ``asyncio.shield``: one who goes away must not cancel them for the others.
    """

    def __init__(self) -> None:
        self._under_way: dict[K, tuple[S, asyncio.Task[T]]] = {}

    def join(
        self, key: K, state: S, work: Callable[[], Coroutine[Any, Any, T]], accept: Callable[[S], bool]
    ) -> asyncio.Task[T]:
        """The task under way for ``key`` where ``accept`` takes the state that it began at, or one begun now."""
        begun = self._under_way.get(key)
        if begun is not None and accept(begun[0]):
            return begun[1]
        task = asyncio.create_task(work(), name=f"{key}")
        self._under_way[key] = state, task
        task.add_done_callback(lambda _done: self._end(key, task))
        return task

    def _end(self, key: K, task: asyncio.Task[T]) -> None:
        # One begun after a change may have taken its place, and may have ended before it.
        if key in self._under_way and self._under_way[key][1] is task:
            del self._under_way[key]
        if not task.cancelled():
            # Everybody who waited may be gone: the error is nobody's then, and no warning.
            task.exception()
