"""Lets the pages of named origins call the REST interface; everybody else's browser refuses them."""

from quart import Quart, Response, request

from monitoring.services import KEY, services

HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Dashboard-Token",
    "Access-Control-Max-Age": "600",
}


def _listed() -> bool:
    return request.headers.get("Origin", "").rstrip("/") in services().settings.cors_origins


def register(app: Quart) -> None:
    """Answers a listed origin's preflight before the guard asks for a token, which a preflight never carries."""
    if not app.extensions[KEY].settings.cors_origins:
        return

    @app.before_request
    async def preflight() -> Response | None:
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204, headers=HEADERS) if asks and _listed() else None

    @app.after_request
    async def allow(response: Response) -> Response:
        response.headers.add("Vary", "Origin")
        if _listed():
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        return response
