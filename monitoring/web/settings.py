"""Settings of a browser: one form, kept in cookies."""

from quart import Blueprint, Response, current_app, redirect, request

from monitoring.presentation import DEFAULT_ZONE
from monitoring.rendering.preferences import AMOUNTS, HIDE, THEME, THEMES, ZONE, is_zone, known_zones
from monitoring.sections import BadParameter
from monitoring.services import services
from monitoring.web.auth import public
from monitoring.web.local import local_target

blueprint = Blueprint("settings", __name__)

YEAR_SECONDS = 365 * 86400


@blueprint.get("/settings")
@public
async def settings() -> Response:
    """The form."""
    target = local_target(request.args.get("next", "/"))
    suggested = sorted(name for name in known_zones() if name.startswith(("America/", "Asia/", "Europe/")))
    return services().pages.page("settings.html", next=target, zones=suggested)


@blueprint.post("/settings")
@public
async def choose() -> Response:
    """Keeps what was chosen and goes back to the page."""
    form = await request.form
    theme, zone = form.get("theme", THEMES[0]), form.get("zone", "").strip() or DEFAULT_ZONE
    if theme not in THEMES:
        raise BadParameter(f"theme={theme[:20]}: expected one of {', '.join(THEMES)}")
    if not is_zone(zone):
        raise BadParameter(f"zone={zone[:40]}: expected a time zone such as Europe/Berlin, or UTC")
    response: Response = redirect(services().links(local_target(form.get("next", "/"))), code=303)  # type: ignore[assignment]
    for name, value in ((THEME, theme), (ZONE, zone), (AMOUNTS, HIDE if form.get("amounts") == HIDE else "show")):
        _keep(response, name, value)
    return response


def _keep(response: Response, name: str, value: str) -> None:
    """Sets a cookie for a year."""
    response.set_cookie(
        name,
        value,
        max_age=YEAR_SECONDS,
        path=services().links("/"),
        samesite="Lax",
        httponly=True,
        secure=current_app.session_interface.get_cookie_secure(current_app),
    )
