"""The composition root: puts the application together."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import cast

from itsdangerous import URLSafeTimedSerializer
from quart import Quart, request
from quart.sessions import SecureCookieSessionInterface
from quart_schema import Info, QuartSchema

from monitoring.admission import SIGNED_IN_FOR, Admission
from monitoring.changes.feed import Feed
from monitoring.clock import SYSTEM_CLOCK, Clock
from monitoring.config import Settings, signing_key
from monitoring.database.pool import Database
from monitoring.layers import App, Layer, wrapped
from monitoring.links import Links
from monitoring.metrics.catalogue import CATALOGUE, Metric
from monitoring.projections import Projections
from monitoring.reading.alert_watch import AlertWatch
from monitoring.reading.bot_list import BotList
from monitoring.reading.left_out import LeftOut
from monitoring.reading.reader import Reader
from monitoring.rendering.fragments import Fragments
from monitoring.rendering.templates import Pages, SectionRenderer, make_environment
from monitoring.resources import resource_dir
from monitoring.sections import SECTIONS, custom
from monitoring.sections.metric_list import is_added
from monitoring.services import KEY, Services
from monitoring.signals.hub import Hub
from monitoring.tasks import Tasks
from monitoring.transports.current_metrics import CurrentMetrics
from monitoring.transports.dispatch import Dispatcher
from monitoring.transports.event_buffer import EventStreams
from monitoring.transports.legacy_events import LegacyEvents
from monitoring.transports.sockets import Sockets
from monitoring.transports.staleness_timer import FullRefresh, StalenessTimer
from monitoring.version import VERSION
from monitoring.web import api, auth, bots, cors, errors, headers, pages, stream, style, tables, trade_files, visits
from monitoring.web import settings as settings_form
from monitoring.web.compression import Compression
from monitoring.web.hosts import LocalOnly
from monitoring.web.json import Json
from monitoring.web.moments import Moments
from monitoring.web.prefix import Prefix
from monitoring.web.visits import Looks

MAX_BODY_BYTES = 64 * 1024


def create_app(settings: Settings, metrics: Iterable[Metric] = CATALOGUE, clock: Clock = SYSTEM_CLOCK) -> Quart:
    """The application, not connected to anything until it is served."""
    app = Quart("monitoring", static_folder=str(resource_dir("static")), template_folder=str(resource_dir("templates")))
    links = Links(settings.root_path)
    app.config.update(
        SECRET_KEY=signing_key(settings),
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        SESSION_COOKIE_NAME="monitoring",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH=links("/"),
        PERMANENT_SESSION_LIFETIME=SIGNED_IN_FOR,
        SESSION_REFRESH_EACH_REQUEST=False,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
    )
    app.session_interface = CookieSessions()
    parts = _put_together(settings, app, links, tuple(metrics), clock)
    app.extensions[KEY] = parts
    _route(app)
    _describe(app)
    _run_with(app, parts)
    return app


def _route(app: Quart) -> None:
    cors.register(app)
    app.before_request(auth.guard)
    headers.register(app)
    errors.register(app)
    for room in (pages, bots, tables, trade_files, stream, style, visits, settings_form, api):
        app.register_blueprint(room.blueprint)


class CookieSessions(SecureCookieSessionInterface):
    """Cookies that are marked secure exactly when the browser came over TLS."""

    _serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Quart) -> URLSafeTimedSerializer | None:
        """Made once: the key never changes while the application runs, and every request asks for it."""
        self._serializer = self._serializer or super().get_signing_serializer(app)
        return self._serializer

    def get_cookie_secure(self, app: Quart) -> bool:
        return request.headers.get("X-Forwarded-Proto", request.scheme) == "https"


def _put_together(settings: Settings, app: Quart, links: Links, metrics: tuple[Metric, ...], clock: Clock) -> Services:
    """What reads, then what follows the database and tells of it: each part knows only those before it."""
    reader = _reader(settings, metrics, clock)
    environment, feed, admission = make_environment(), Feed(reader.database, clock), Admission(app, settings)
    sockets = _sockets(reader, admission, feed, clock)
    fragments = Fragments(reader, SectionRenderer(environment, links), clock)
    legacy_events = LegacyEvents(reader, sockets.metrics, sockets.streams)
    return Services(
        settings=settings,
        clock=clock,
        reader=reader,
        fragments=fragments,
        bots=BotList(reader),
        alerts=AlertWatch(reader, clock),
        left_out=LeftOut(reader.database, reader.projections, clock),
        feed=feed,
        links=links,
        pages=Pages(settings, environment, links, clock),
        sockets=sockets,
        legacy_events=legacy_events,
        dispatcher=Dispatcher(reader, fragments, legacy_events),
        admission=admission,
        tasks=Tasks(clock),
        moments=Moments(clock),
    )


def _sockets(reader: Reader, admission: Admission, feed: Feed, clock: Clock) -> Sockets:
    return Sockets(reader.hub, clock, admission, reader, CurrentMetrics(reader), EventStreams(), feed)


def _reader(settings: Settings, metrics: tuple[Metric, ...], clock: Clock) -> Reader:
    database = Database(settings.database_url, clock)
    kinds = {correction.id: correction.kind for correction in settings.config.corrections}
    projections, hub = Projections(database, clock, kinds), _hub(metrics, clock)
    return Reader(database, projections, hub, clock, metrics, settings.config, settings.state_dir)


def _hub(metrics: tuple[Metric, ...], clock: Clock) -> Hub:
    # Who added no metrics of their own has no use for news of them.
    added = any(map(is_added, metrics))
    return Hub((section.name for section in SECTIONS if added or section is not custom.SECTION), clock)


def _describe(app: Quart) -> None:
    QuartSchema(
        app,
        info=Info(title="Monitoring", version=VERSION, description="What a live trading bot does, holds and earns."),
        openapi_path=None,
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        conversion_preference="msgspec",
        openapi_provider_class=api.Provider,
    )
    app.json = Json(app)


def _run_with(app: Quart, parts: Services) -> None:
    @app.before_serving
    async def start() -> None:
        if parts.database.server is None:
            await parts.database.open()
        for name, work in _tasks(parts).items():
            parts.tasks.start(name, work)
        await parts.feed.begun.wait()

    @app.after_serving
    async def stop() -> None:
        parts.say_goodbye()
        await parts.tasks.stop()
        await parts.sockets.close()
        await parts.database.close()


def _tasks(parts: Services) -> dict[str, Callable[[], Awaitable[None]]]:
    """What runs as long as the application does, by the names that ``/ready`` gives."""
    return {
        "feed": partial(parts.feed.run, parts.dispatcher),
        "announcements": parts.dispatcher.run,
        "histories": parts.projections.backfill.run,
        "updates": parts.legacy_events.run,
        "alerts": parts.alerts.run,
        "refresh": FullRefresh(parts.feed, parts.legacy_events, parts.settings.update_interval).run,
        "staleness": StalenessTimer(parts.reader, parts.dispatcher, parts.fragments, parts.clock).run,
    }


def asgi(app: Quart) -> App:
    """The application as a server runs it, with Socket.IO beside it and under its sub-path."""
    return wrapped(cast(App, app), _layers(app.extensions[KEY]))


def _layers(parts: Services) -> list[Layer]:
    """From the outermost to the innermost."""
    root = parts.settings.root_path
    return [
        *(() if parts.settings.protected else (LocalOnly,)),
        *((partial(Prefix, root=root),) if root else ()),
        partial(Looks, clock=parts.clock, path=parts.links("/")),
        parts.sockets.layer,
        partial(Compression, ahead=_static_files()),
    ]


def _static_files() -> list[bytes]:
    others = (path for path in resource_dir("static").rglob("*") if path.is_file() and path.suffix != ".css")
    return [*style.SHEETS.values(), *(path.read_bytes() for path in others)]
