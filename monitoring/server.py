"""Serves the application: the listening socket, uvicorn with its limits, a quick and graceful stop."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import FrameType, ModuleType

import uvicorn
from quart import Quart

from monitoring.app import asgi, create_app
from monitoring.backoff import Backoff
from monitoring.config import ConfigError, Settings, notices
from monitoring.database.pool import DatabaseUnavailable
from monitoring.layers import App
from monitoring.listening import address, listen
from monitoring.logs import announce, configure
from monitoring.metrics.catalogue import Metric
from monitoring.process import give_memory_back
from monitoring.services import KEY, Services
from monitoring.signals.hub import MAX_VIEWERS
from monitoring.stalled import Http, WebSocket
from monitoring.transports.sockets import MAX_MESSAGE_BYTES

log = logging.getLogger(__name__)

MAX_OPEN_FILES = 65_536
RESERVED_FILES_COUNT = 128
FILES_PER_VIEWER = 3
"""A stream, and what it fetches over connections that stay open for a while."""
SHUTDOWN_SECONDS = 2
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.1, 0.5


class Server(uvicorn.Server):
    """uvicorn whose first signal also ends open event streams: it would wait for them without end."""

    def __init__(self, config: uvicorn.Config, parts: Services) -> None:
        super().__init__(config)
        self._parts = parts

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn's own would raise the signal again after a clean stop, and the exit code would not be 0.
        self._parts.say_goodbye()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(settings: Settings, metrics: Iterable[Metric]) -> None:
    """Runs until SIGINT or SIGTERM. Raises ConfigError or DatabaseUnavailable with one sentence."""
    configure(settings)
    give_memory_back()
    for notice in notices(settings):
        log.warning(notice)
    listening = _listening(settings)
    # A shell starts its background jobs with SIGINT ignored; asyncio would then end at neither signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings, metrics, listening))
    except KeyboardInterrupt:
        log.info("stopped")
    finally:
        listening.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one: it halves the time of a fan-out."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(settings: Settings, metrics: Iterable[Metric], listening: socket.socket) -> None:
    async with contextlib.AsyncExitStack() as stack:
        if settings.demo:
            demo, running, folder = _demo(settings)
            database = demo.demo_database(folder, _progress(settings), speed=settings.demo_speed)
            url = await stack.enter_async_context(database)
            stack.callback(running.forget_address, folder)
            settings = replace(settings, database_url=url)
        app = create_app(settings, metrics)
        parts: Services = app.extensions[KEY]
        await _connect(parts)
        compiling = asyncio.create_task(_compile_templates(parts))
        await _run(app, parts, listening)
        await compiling


async def _compile_templates(parts: Services) -> None:
    """While the first scans wait for the database, which they do from then on."""
    await parts.feed.begun.wait()
    await parts.pages.compile()


def _listening(settings: Settings) -> socket.socket:
    if not settings.demo:
        return listen(settings)
    _, running, folder = _demo(settings)
    running.expect_no_other(folder)
    listening = listen(settings)
    running.note_address(folder, address(settings, listening))
    return listening


def _demo(settings: Settings) -> tuple[ModuleType, ModuleType, Path]:
    # Imported here alone: the demo, and the PostgreSQL that it brings, are no part of a dashboard in production.
    try:
        from monitoring import demo
        from monitoring.demo import running
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"--demo needs the package {missing.name}: expected what pip install 'monitoring-dashboard[demo]' brings"
        ) from None
    return demo, running, (settings.demo_dir or demo.default_demo_dir()).expanduser()


async def _connect(parts: Services) -> None:
    """Connects, waiting as long as the settings say. Raises DatabaseUnavailable."""
    deadline = parts.clock.monotonic() + parts.settings.wait_for_db
    backoff, logged = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, parts.clock), False
    while True:
        try:
            await parts.database.open()
            return
        except DatabaseUnavailable as error:
            if parts.clock.monotonic() >= deadline:
                raise
            if not logged:
                log.info("waiting for the database, %s", error)
                logged = True
            await asyncio.sleep(backoff.next())


def max_viewers() -> int:
    """How many viewers there may be, given how many files the system lets this process open."""
    try:
        import resource
    except ImportError:
        return MAX_VIEWERS
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(1, min(MAX_VIEWERS, (files - RESERVED_FILES_COUNT) // FILES_PER_VIEWER))


def configuration(app: App) -> uvicorn.Config:
    """uvicorn with small messages, without peers that stop reading, and stopped within seconds."""
    return uvicorn.Config(
        app,
        http=Http,
        ws=WebSocket,
        ws_per_message_deflate=False,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=None,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


async def _run(app: Quart, parts: Services, listening: socket.socket) -> None:
    parts.hub.max_viewers = max_viewers()
    server = Server(configuration(asgi(app)), parts)
    announce(parts.settings, f"Monitoring is at {address(parts.settings, listening)} (Ctrl-C stops it)")
    await server.serve(sockets=[listening])
    if not server.started:
        raise ConfigError("the dashboard could not start: see the log")


def _progress(settings: Settings) -> Callable[[float, str], None]:
    if settings.log_json:
        return lambda share, what: log.info("%s: %.0f %%", what, share * 100)
    return _drawn


def _drawn(share: float, what: str) -> None:
    """One line that rewrites itself on a terminal, a line for each step elsewhere."""
    end = "\r" if sys.stderr.isatty() and share < 1 else "\n"
    print(f"\r{what}: {share:4.0%} ", end=end, file=sys.stderr, flush=True)  # noqa: T201
