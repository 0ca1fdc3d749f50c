"""Faults as answers: JSON for programs and open pages, a page for people; never a driver's message."""

import logging
import secrets
from typing import Any

from msgspec import ValidationError
from quart import Response, jsonify, request
from quart_schema import RequestSchemaValidationError
from werkzeug.exceptions import HTTPException, NotFound

from monitoring.database.capabilities import TableMissing
from monitoring.database.pool import DatabaseUnavailable
from monitoring.scope_key import UnknownSession
from monitoring.sections import BadParameter
from monitoring.services import services
from monitoring.web.arguments import misfit
from monitoring.web.gone import why_gone

log = logging.getLogger(__name__)

RETRY_AFTER = "5"
"""Seconds after which to ask again where there is nothing to show yet; a page does so by itself."""


class Problem(Exception):
    """An answer other than success: a fitting status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def wants_html() -> bool:
    """Whether a browser asked for a page, and neither a program nor an open page for data."""
    if request.path.startswith("/api/") or "HX-Request" in request.headers:
        return False
    return request.accept_mimetypes.quality("text/html") > request.accept_mimetypes.quality("application/json")


def problem_of(error: Exception) -> Problem:
    """The problem that an exception stands for; an unexpected one becomes a reference to the log."""
    match error:
        case Problem():
            return error
        case UnknownSession():
            return Problem(404, "unknown_session", str(error))
        case BadParameter():
            return Problem(422, "invalid", str(error))
        case RequestSchemaValidationError():
            return Problem(422, "invalid", _misfit(error.validation_error))
        case TableMissing():
            return Problem(404, "not_available", str(error))
        case DatabaseUnavailable():
            return Problem(503, "database_unavailable", "The database cannot be read at the moment.")
        case NotFound() if why := why_gone(request.path):
            return Problem(410, "gone", why)
        case HTTPException():
            return Problem(error.code or 500, error.name.lower().replace(" ", "_"), error.description or error.name)
    reference = secrets.token_hex(4)
    log.error("%s %s failed, reference %s", request.method, request.path, reference, exc_info=error)
    return Problem(500, "internal", f"Something went wrong here (reference {reference} in the log).")


def _misfit(error: Exception | None) -> str:
    return misfit(error, request.args) if isinstance(error, ValidationError) else str(error)


async def answer(error: Exception) -> Response:
    """The response for an exception."""
    problem = problem_of(error)
    if wants_html():
        response = services().pages.error(problem.status, problem.message)
        if problem.status == 503:
            response.headers["Refresh"] = RETRY_AFTER
    else:
        response = jsonify({"error": {"code": problem.code, "message": problem.message}})
    response.status_code = problem.status
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if problem.status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    return response


def register(app: Any) -> None:
    for kind in (Exception, HTTPException, RequestSchemaValidationError):
        app.register_error_handler(kind, answer)
