"""What makes a process that is the dashboard's alone start sooner and hold less memory."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

UNUSED = "aiohttp"
"""Socket.IO's client would use it, which comes along with the server."""
TRIM_THRESHOLD_CODE, MMAP_THRESHOLD_CODE = -1, -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h."""
LARGE_BYTES = 1 << 20


@contextmanager
def quick_imports() -> Iterator[None]:
    """What is imported within stays: no garbage is looked for among it. UNUSED is not imported."""
    left_out = UNUSED not in sys.modules
    if left_out:
        sys.modules[UNUSED] = None  # type: ignore[assignment]  # how Python is told that there is none
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        if left_out:
            del sys.modules[UNUSED]


def give_memory_back() -> None:
    """Large arrays go back to the system once they are free; by default glibc keeps ever larger ones for later."""
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(MMAP_THRESHOLD_CODE, LARGE_BYTES)
        library.mallopt(TRIM_THRESHOLD_CODE, LARGE_BYTES)
