"""Which metrics are shown, and how.

Changes are kept in memory until the dashboard stops, as the first dashboard kept them, and by each instance for
itself. They tell clients what to show; ``/api/metrics`` holds every metric all the same.
"""

from typing import cast

from msgspec import UNSET
from quart import current_app
from quart_schema import validate_request, validate_response

from monitoring.payloads import Payload
from monitoring.services import services
from monitoring.web.api.base import blueprint
from monitoring.web.api.queries import ShownChange
from monitoring.web.api.shapes import Done, Shown
from monitoring.web.auth import reading
from monitoring.web.errors import Problem

Changes = dict[str, dict[str, object]]

KEY = "monitoring.shown"
FIELDS = ("enabled", "priority", "format")


@blueprint.get("/api/config")
@reading
@validate_response(dict[str, Shown])
async def get_config() -> Payload:
    """How each metric is shown: the catalogue's defaults, and what was changed since the start."""
    changes = _changes()
    return {
        metric.key: {
            "enabled": True,
            "priority": metric.priority,
            "format": metric.format,
            **changes.get(metric.key, {}),
        }
        for metric in services().reader.metrics
    }


@blueprint.post("/api/config")
@validate_request(dict[str, ShownChange])
@validate_response(Done)
async def post_config(data: dict[str, ShownChange]) -> Payload:
    """Changes how the named metrics are shown, until the dashboard stops."""
    known = {metric.key for metric in services().reader.metrics}
    unknown = [name[:40] for name in data if name not in known]
    if unknown or not data:
        raise Problem(422, "invalid", f"{', '.join(unknown) or 'an empty object'}: expected keys of /api/metrics")
    changes = _changes()
    for key, change in data.items():
        given = {name: getattr(change, name) for name in FIELDS if getattr(change, name) is not UNSET}
        changes.setdefault(key, {}).update(given)
    return {"success": True}


def _changes() -> Changes:
    return cast(Changes, current_app.extensions.setdefault(KEY, {}))
