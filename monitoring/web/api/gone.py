"""Calls of the first dashboard that have no successor: they say so, whoever asks."""

from quart import Response
from quart_schema import hide

from monitoring.web.api.base import blueprint
from monitoring.web.auth import public
from monitoring.web.errors import Problem

PRICES = "Prices are the exchange's to give: of what is open, /api/positions has the price that the engine knows."
DEBUGGING = "This dashboard repairs nothing in the engine's tables: see /api/positions, and `atb db verify`."


@blueprint.get("/api/prices")
@public
@hide
async def prices() -> Response:
    raise Problem(410, "gone", PRICES)


@blueprint.route("/api/debug/", defaults={"what": ""}, methods=["GET", "POST"])
@blueprint.route("/api/debug/<path:what>", methods=["GET", "POST"])
@public
@hide
async def debug(what: str) -> Response:
    raise Problem(410, "gone", DEBUGGING)
