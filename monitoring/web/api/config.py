"""Which metrics are shown, and how. The page shows every metric all the same."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from msgspec import ValidationError, convert, to_builtins
from quart import request
from quart_schema import DataSource, document_request, validate_response

from monitoring.payloads import Payload
from monitoring.reading.shown import Change
from monitoring.services import services
from monitoring.state_file import StateError
from monitoring.web.api.base import blueprint, call
from monitoring.web.api.queries import ShownChange
from monitoring.web.api.shapes import ConfigChanged, Shown
from monitoring.web.arguments import misfit
from monitoring.web.errors import Problem

NOT_KEPT = "It holds until this process ends, and in no other one: set MONITORING_STATE_DIR to keep it."


@call("/api/config", dict[str, Shown])
async def get_config() -> Mapping[str, object]:
    """How each metric is shown: the catalogue's defaults, and what was changed since the start."""
    return services().reader.shown.all()


@blueprint.post("/api/config")
@document_request(dict[str, ShownChange], source=DataSource.JSON)
@validate_response(ConfigChanged)
async def post_config() -> Payload:
    """Changes how the named metrics are shown; unknown names are ignored.

    It is kept in the folder MONITORING_STATE_DIR; without one it holds until this process ends. 409 where the folder
    cannot be written to, or its file is damaged: nothing is changed then.
    """
    shown, wanted = services().reader.shown, await request.get_json()
    if not isinstance(wanted, dict) or not wanted:
        raise Problem(422, "invalid", 'expected an object such as {"rsi": {"enabled": false}}')
    changes = {key: _change(key, change) for key, change in wanted.items() if key in shown}
    try:
        await asyncio.to_thread(shown.change, changes)
    except StateError as error:
        raise Problem(409, "not_kept", f"{error}; nothing was changed.") from None
    services().legacy_events.send_metrics_soon()
    return {"success": True, "kept": shown.is_kept, "note": None if shown.is_kept else NOT_KEPT}


def _change(key: str, change: Any) -> Change:
    try:
        known = convert(change, ShownChange)
    except ValidationError as error:
        raise Problem(422, "invalid", f"{key}: {misfit(error)}") from None
    return cast(Change, to_builtins(known))
