"""The Server-Sent Events route."""

from quart import Blueprint, Response

from monitoring.realtime.sse import HEADERS, stream
from monitoring.services import services
from monitoring.web.auth import reading
from monitoring.web.errors import Problem
from monitoring.web.requests import requested_session

blueprint = Blueprint("stream", __name__)

MOST_STREAMS = 5000


@blueprint.get("/events")
@reading
async def events() -> Response:
    """Signals which sections went stale: ``hello`` with every version, then ``stale``, and ``hb`` when quiet."""
    scope = requested_session()
    await services().reader.session(scope)
    if services().hub.viewers >= MOST_STREAMS:
        raise Problem(503, "too_many_streams", "Too many pages are open.")
    services().feed.wake()
    response = Response(stream(services().hub, scope), headers=HEADERS)
    response.timeout = None  # Quart would end the stream after a minute
    return response
