"""The style sheet as it is sent: without its comments and indentation, a fifth of what a phone would receive of it."""

import re

from quart import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from monitoring.resources import resource_dir
from monitoring.web.auth import public

COMMENT_OR_STRING = re.compile(r"""/\*.*?\*/|("[^"]*"|'[^']*')""", re.DOTALL)
AROUND_LINES = re.compile(r"\s*\n\s*")
AROUND_BRACES = re.compile(r"\s*([{};])\s*")

blueprint = Blueprint("style", __name__)


def stripped(rules: str) -> str:
    """The same rules. No string in a sheet of ours holds the end of a line, a brace or a semicolon."""
    rules = COMMENT_OR_STRING.sub(lambda found: found.group(1) or "", rules)
    return AROUND_BRACES.sub(r"\1", AROUND_LINES.sub("\n", rules)).strip()


def sheets() -> dict[str, bytes]:
    """The style sheets by their names, read when the server starts, as templates are."""
    folder = resource_dir("static") / "css"
    return {path.name: stripped(path.read_text("utf-8")).encode() for path in folder.glob("*.css")}


SHEETS = sheets()


@blueprint.get("/static/css/<sheet>")
@public
async def style(sheet: str) -> Response:
    if sheet not in SHEETS:
        raise NotFound
    response = Response(SHEETS[sheet], mimetype="text/css")
    await response.add_etag()
    return await response.make_conditional(request, accept_ranges=True, complete_length=len(SHEETS[sheet]))
