"""What a dashboard says of the state of each bot and of its alerts, held against the plain tables."""

from datetime import datetime
from typing import Any

from tests.faults.page import Page
from tests.projections.alert_reference import Line, Seen, alerts, state, status
from tests.projections.asking import same
from tests.projections.chain_reference import Kinds, Rows, bots

UNTIMED = "another_live_bot"
"""The table does not say since when it holds."""


async def check_alerts(page: Page, rows: Rows, now: datetime, kinds: Kinds) -> None:
    """Of every bot."""
    found = bots(rows, now, kinds)
    counted = {bot["id"]: bot["alerts"] for bot in await page.json("/api/bots")}
    for bot in found:
        number, seen = bot.sessions[0]["id"], Seen(bot, found, now)
        said = await page.json(f"/api/status?bot={number}")
        same(f"bot={number}", "state", (said["state"], said["status"]), (state(seen), status(seen)))
        lines = await page.json(f"/api/alerts?bot={number}")
        shown = {_line(one) for one in lines}
        same(f"bot={number}", "alerts", *_differing(shown, alerts(seen)))
        same(f"bot={number}", "number of alerts", counted[number], len(lines))


def _line(one: dict[str, Any]) -> Line:
    since = None if one["since"] is None else datetime.fromisoformat(one["since"]).replace(tzinfo=None)
    known = None if one["code"] == UNTIMED else since
    return Line(one["code"], one["subject"], one["severity"], one["count"], known)


def _differing(shown: set[Line], true: set[Line]) -> tuple[list[Line], list[Line]]:
    return sorted(shown - true, key=str), sorted(true - shown, key=str)
