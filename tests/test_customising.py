"""What docs/customising.md tells an operator to do is done, word by word, and seen on the page."""

import asyncio
import re
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path

import asyncpg
import httpx
import numpy as np
import pytest

from monitoring.app import create_app
from monitoring.config import load_settings
from monitoring.formatting import NARROW_SPACE
from monitoring.metrics.catalogue import CATALOGUE
from monitoring.metrics.facts import Facts
from monitoring.metrics.metric import Metric
from monitoring.metrics.unit import Unit
from monitoring.metrics.value import known
from tests.faults.page import Page
from tests.history import seed_account
from tests.rows import insert, now
from tests.running import run_dashboard

DOCUMENT = Path("docs/customising.md").read_text()
PARTS = ("monitoring", "templates", "partials", "static")
BLOCK = re.compile(r"`(?P<file>[\w/]+\.(?:py|html))`|^ *```(?P<kind>\w+)\n(?P<text>.*?)^ *```$", re.M | re.S)
ROW = re.compile(r"^\| `(\w+)` \|(.*)\|$", re.M)


def blocks() -> Iterator[tuple[Path, str, str]]:
    """(file, kind, text) of every block; its file is the one named last."""
    file = Path()
    for found in BLOCK.finditer(DOCUMENT):
        if found["file"]:
            file = Path(found["file"])
        else:
            yield file, found["kind"], textwrap.dedent(found["text"])


def changed(old: str, diff: str) -> str:
    """``old`` with the lines of a diff that have - replaced by those that have +."""
    lines = diff.splitlines(keepends=True)
    before, after = ("".join(line[1:] or "\n" for line in lines if line[0] in signs) for signs in (" -\n", " +\n"))
    assert old.count(before) == 1, f"the document has\n{before}which the file has not"
    return old.replace(before, after)


@pytest.fixture
def customised(tmp_path: Path) -> Path:
    """A copy of the checkout in which everything was done that the document says."""
    for part in PARTS:
        shutil.copytree(part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file, kind, text in blocks():
        target = tmp_path / file
        assert target.exists() == (kind == "diff"), file
        target.write_text(changed(target.read_text(), text) if kind == "diff" else text)
    return tmp_path


async def test_what_the_document_adds_is_on_the_page(
    connection: asyncpg.Connection, database_url: str, customised: Path
) -> None:
    await seed_account(connection)
    async with (
        run_dashboard("--db-url", database_url, folder=customised) as running,
        httpx.AsyncClient(base_url=running.url) as client,
    ):
        assert re.search(r'<h2 id="fees-h">Fees</h2>.*?<p>40\.00</p>', (await client.get("/results")).text, re.S)
        page = (await client.get("/results")).text
        assert re.search(
            r"<dt>Fees</dt><dd>−40\.00</dd>.*?<dt>Fees in total</dt><dd><b[^>]*>40\.00</b></dd>", page, re.S
        )
        assert re.search(r'#fees_a_day"[^>]*>Fees a day</a></dt><dd class="loss">\+1\.33</dd>', page)
        explained = (await client.get("/explain")).text
        assert "Commissions of all closed trades." in explained
        assert "Source: trades.commission, trading_sessions.start_time." in explained
        metrics = (await client.get("/api/metrics")).json()
        assert (metrics["fees_in_total"], metrics["fees_a_day"]) == (40, pytest.approx(40 / 30))
        config = (await client.get("/api/config")).json()
        assert config["fees_a_day"] == {"enabled": True, "priority": "medium", "format": "currency"}


def table(head: str) -> dict[str, str]:
    """The rows of the table with such a head: first cell, the rest."""
    return dict(ROW.findall(DOCUMENT.split(f"| {head} |")[1].split("\n\n")[0]))


def test_every_field_of_an_entry_is_documented() -> None:
    assert list(table("field")) == [field.name for field in fields(Metric)]


def test_values_are_written_as_documented() -> None:
    documented = table("unit")
    assert list(documented) == [unit.name for unit in Unit]
    for name, row in documented.items():
        value, shown = row.split("|")
        known = {"Decimal": Decimal, "datetime": datetime}
        text = Unit[name].text(eval(value.strip(" `"), known))
        assert text.replace(NARROW_SPACE, " ") == shown.strip(), name


async def test_an_own_metric_of_any_card_follows_its_tables(connection: asyncpg.Connection, database_url: str) -> None:
    def compute(facts: Facts) -> int:
        return known(facts.orders, "no orders").failed

    mine = Metric("refused", "Refused", Unit.COUNT, "account", "Failed orders", "orders", compute, good="low")
    session = await seed_account(connection)
    app = create_app(load_settings({"DATABASE_URL": database_url}), (*CATALOGUE, mine))
    async with app.test_app():
        page = Page(app)
        following = asyncio.create_task(page.follow())
        await page.shows("custom", '>Refused</a></dt><dd class="">0</dd>')
        await insert(connection, "orders", session_id=session, status="FAILED", created_at=now())
        await page.shows("custom", '>Refused</a></dt><dd class="loss">1</dd>')
        following.cancel()


OF_ANOTHER_KIND = {
    "a word": (Unit.MONEY, "none", "expected money, not 'none'"),
    "a time zone": (Unit.DATETIME, datetime(2026, 1, 1, tzinfo=UTC), "expected datetime, not "),
    "several": (Unit.PERCENT, np.array([1.0, 2.0]), "expected percent, not array([1., 2.])"),
    "nothing known": (Unit.RATIO, np.float32("nan"), "not a finite number"),
    "too much": (Unit.MONEY, Decimal("1e400"), "not a finite number"),
}
"""What a function may return by mistake, and what is said of it."""


@pytest.mark.parametrize("kind", OF_ANOTHER_KIND)
async def test_an_own_metric_of_another_kind_stops_no_other(
    kind: str, connection: asyncpg.Connection, database_url: str
) -> None:
    unit, value, why = OF_ANOTHER_KIND[kind]
    mine = Metric("mine", "Mine", unit, "account", "A mistake", "orders", lambda facts: value, good="low")
    await seed_account(connection)
    app = create_app(load_settings({"DATABASE_URL": database_url}), (*CATALOGUE, mine))
    async with app.test_app():
        page = Page(app)
        assert f"unknown: {why}" in unescape(await page.get("/partials/custom"))
        assert "could not be computed" not in await page.get("/partials/account_now")
        metrics = await page.json("/api/metrics")
        assert metrics["equity"] is not None
        assert metrics["mine"] is None
        assert metrics["reasons"]["mine"].startswith(why)


async def test_an_own_metric_may_be_a_number_of_numpy(connection: asyncpg.Connection, database_url: str) -> None:
    mine = Metric("mine", "Mine", Unit.COUNT, "account", "Days", "orders", lambda facts: np.int64(3), good="high")
    await seed_account(connection)
    app = create_app(load_settings({"DATABASE_URL": database_url}), (*CATALOGUE, mine))
    async with app.test_app():
        page = Page(app)
        assert '>Mine</a></dt><dd class="gain">3</dd>' in await page.get("/partials/custom")
        assert (await page.json("/api/metrics"))["mine"] == 3


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), ZeroDivisionError()])
async def test_whatever_an_own_metric_raises_stops_no_other(
    raised: BaseException, connection: asyncpg.Connection, database_url: str
) -> None:
    def compute(_: Facts) -> int:
        raise raised

    mine = Metric("mine", "Mine", Unit.COUNT, "account", "A mistake", "orders", compute)
    await seed_account(connection)
    app = create_app(load_settings({"DATABASE_URL": database_url}), (*CATALOGUE, mine))
    async with app.test_app():
        metrics = await Page(app).json("/api/metrics")
        assert metrics["equity"] is not None
        assert metrics["reasons"]["mine"] == f"could not be computed ({type(raised).__name__})"
