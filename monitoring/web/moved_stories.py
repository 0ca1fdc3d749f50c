"""Stories that are told elsewhere: of a position that has become a trade, of a trade of another bot, or nowhere."""

from collections.abc import Mapping

from quart import Response, redirect, request

from monitoring.rendering.fragments import Rendered
from monitoring.scope import Scope
from monitoring.sections.story import NoStory, Story
from monitoring.services import services
from monitoring.web.errors import Problem


def moved(rendered: Rendered, scope: Scope, own: Mapping[str, str]) -> Response | None:
    """A way to where the story is told; None where it is told here. Raises Problem where there is none."""
    found = rendered.view.data if rendered.view else None
    link = services().links.within(scope)
    if isinstance(found, Story) and "position" in own and not found.deal.is_open:
        return redirect(link(f"/trades/{found.deal.number}"), code=303)  # type: ignore[return-value]
    if isinstance(found, NoStory):
        if found.owner is None or request.args.get("session") or request.args.get("bot"):
            raise Problem(404, "unknown_story", found.why)
        path = request.path.removeprefix(request.root_path)
        return redirect(link(path, session=None, bot=found.owner), code=303)  # type: ignore[return-value]
    return None
