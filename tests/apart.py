"""Runs coroutines away from the test's own event loop, so that fixtures of every scope may use them."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_apart(make: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """The coroutine's result; it runs in a thread's own loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(make())).result()
