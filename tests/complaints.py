"""Errors that nobody would hear of: asyncio complains that the exception of a task was never retrieved."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_complaints() -> Iterator[None]:
    """Fails where asyncio complained meanwhile."""
    found: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: found.append(logging.Formatter().format(record))  # type: ignore[method-assign]
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    try:
        yield
        gc.collect()  # a task whose error nobody asked for complains when it is collected
    finally:
        logger.removeHandler(handler)
    # Of tasks that a test's own client leaves behind asyncio complains too, in other words.
    unheard = [complaint for complaint in found if "never retrieved" in complaint]
    assert not unheard, "\n".join(unheard)
