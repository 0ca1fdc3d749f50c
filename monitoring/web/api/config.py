"""Which metrics are shown, and how. The page shows every metric all the same."""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, ValidationError, convert
from quart import request
from quart_schema import DataSource, document_request, validate_response

from monitoring.payloads import Payload
from monitoring.services import services
from monitoring.web.api.base import blueprint, call
from monitoring.web.api.queries import ShownChange
from monitoring.web.api.shapes import Done, Shown
from monitoring.web.arguments import misfit
from monitoring.web.errors import Problem

FIELDS = ("enabled", "priority", "format")


@call("/api/config", dict[str, Shown])
async def get_config() -> Mapping[str, object]:
    """How each metric is shown: the catalogue's defaults, and what was changed since the start."""
    return services().reader.shown.all()


@blueprint.post("/api/config")
@document_request(dict[str, ShownChange], source=DataSource.JSON)
@validate_response(Done)
async def post_config() -> Payload:
    """Changes how the named metrics are shown, until the dashboard stops; unknown names are ignored."""
    shown, wanted = services().reader.shown, await request.get_json()
    if not isinstance(wanted, dict) or not wanted:
        raise Problem(422, "invalid", 'expected an object such as {"rsi": {"enabled": false}}')
    changes = {key: _change(key, change) for key, change in wanted.items() if key in shown}
    for key, change in changes.items():
        shown.change(key, change)
    services().legacy_events.send_metrics_soon()
    return {"success": True}


def _change(key: str, change: Any) -> dict[str, object]:
    try:
        known = convert(change, ShownChange)
    except ValidationError as error:
        raise Problem(422, "invalid", f"{key}: {misfit(error)}") from None
    return {name: getattr(known, name) for name in FIELDS if getattr(known, name) is not UNSET}
