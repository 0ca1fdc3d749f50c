"""The page of all bots, a part of them at a time."""

from quart import Blueprint, Response, request

from monitoring.database.capabilities import TableMissing
from monitoring.metrics.health import STATE_LEVELS
from monitoring.reading.bot_list import ENDED, BotPage
from monitoring.reading.fleet import severities, sums_by_currency, worst_first
from monitoring.sections import BadParameter
from monitoring.services import services
from monitoring.web.auth import reading
from monitoring.web.pages import waiting_for_tables
from monitoring.web.requests import expect_known, requested_scope

blueprint = Blueprint("bots", __name__)

BOTS_PER_PAGE = 25


@blueprint.get("/bots")
@reading
async def bots() -> Response:
    """Every bot and session, a page of them."""
    expect_known(("session", "bot", "range", "page"))
    number = _page_number(request.args.get("page", "1"))
    parts = services()
    try:
        scope = await requested_scope()
        roster = await parts.reader.roster()
        found = await parts.bots.page(parts.clock.now(), (number - 1) * BOTS_PER_PAGE, BOTS_PER_PAGE)
        alerts = await severities(parts.alerts, found.rows)
    except TableMissing as error:
        return waiting_for_tables(error)
    return parts.pages.page(
        "bots.html",
        scope,
        bots=BotPage(worst_first(found.rows, alerts), found.total),
        alerts=alerts,
        levels=STATE_LEVELS,
        sums=sums_by_currency(found.rows) if _holds_all_running(found, number) else [],
        sessions=roster.sessions,
        number=number,
        each=BOTS_PER_PAGE,
    )


def _holds_all_running(page: BotPage, number: int) -> bool:
    """Running ones come first: they are all on the first page where an ended one, or nothing, follows them."""
    return number == 1 and (len(page.rows) == page.total or page.rows[-1].state == ENDED)


def _page_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0):
        raise BadParameter(f"page={text[:20]}: expected a number from 1 on")
    return int(text)
