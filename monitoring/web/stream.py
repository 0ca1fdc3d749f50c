"""The Server-Sent Events route."""

from quart import Blueprint, Response, request

from monitoring.scope_key import CURRENT
from monitoring.sections import BadParameter
from monitoring.services import services
from monitoring.transports.sse import HEADERS, full_stream, stream
from monitoring.web.auth import reading, signed_in_seconds
from monitoring.web.errors import Problem
from monitoring.web.requests import followed_scope

blueprint = Blueprint("stream", __name__)


@blueprint.get("/events")
@reading
async def events() -> Response:
    """Signals which sections went stale: ``hello`` with every version, then ``stale``, and ``hb`` when quiet.

    With ``payload=1`` it also sends ``metrics_update``, ``trade_update`` and ``position_update``. It ends when the
    sign-in does.
    """
    parts, scope, full = services(), await followed_scope(), _payload()
    if full and scope != CURRENT:
        raise BadParameter(f"{scope}: expected {CURRENT}, the only scope with payload=1")
    if parts.hub.full:
        raise Problem(503, "too_many_streams", "Too many pages are open.")
    parts.feed.wake()
    seconds = signed_in_seconds()
    body = (
        full_stream(parts.hub, parts.event_streams, parts.metrics, seconds)
        if full
        else stream(parts.hub, scope, seconds)
    )
    response = Response(body, headers=HEADERS)
    response.timeout = None  # Quart would end the stream after a minute
    return response


def _payload() -> bool:
    wish = request.args.get("payload", "0")
    if wish not in ("0", "1"):
        raise BadParameter(f"payload={wish[:20]}: expected 0 or 1")
    return wish == "1"
