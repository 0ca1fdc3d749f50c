"""What the names promise: whoever adds a section, a metric or a route is told here what is missing."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from quart import Quart

from monitoring.app import create_app
from monitoring.config import load_settings
from monitoring.database.capabilities import TABLES
from monitoring.metrics.catalogue import CATALOGUE
from monitoring.sections import SECTIONS, Section
from monitoring.web.auth import OF_LIBRARIES
from scripts.measure_structure import long_functions
from tests.history import seed_account

SECTION_IDS = [section.name for section in SECTIONS]
PUBLIC_ROUTES = {
    "/health",
    "/ready",
    "/login",
    "/logout",
    "/settings",
    "/openapi.json",
    "/static/<path:filename>",
    "/static/css/<sheet>",
}
"""Routes that anybody may call, anywhere: none of them shows the account."""
READS_TIME = re.compile(
    r"^\s*(?:import time\b|from time import)|\b(?:datetime|date)\.(?:now|utcnow|today)\b|loop(?:\(\))?\.time\b"
    r"|(?<![.\w])now\(\)|\b(?:current_timestamp|current_date|localtimestamp|clock_timestamp)\b",
    re.M | re.I,
)
"""In Python, or in SQL."""
HAVE_TIME_OF_THEIR_OWN = ("monitoring/clock.py", "monitoring/postgres/")
"""The clock itself, and what starts and guards the demo's PostgreSQL, in part as a process of its own."""

MAX_MODULE_LINES = 300
MAX_TEST_NAME_CHARACTERS = 60
UNITS = (
    "MICROSECONDS|MILLISECONDS|SECONDS|MINUTES|HOURS|DAYS|MONTHS|YEARS"
    "|BYTES|CHARACTERS|DIGITS|ROWS|COLUMNS|PIXELS|COUNT|STEPS|PERIODS|BEATS"
    "|SHARE|PERCENT|CHANCE|FACTOR|CODE|VERSION|PORT|LEVEL|ID|SEED"
)
"""What the last word of a numeric constant's name may be."""


@pytest.fixture
def app() -> Quart:
    return create_app(load_settings({"DATABASE_URL": "postgresql://nowhere/none"}))


@pytest.mark.parametrize("section", SECTIONS, ids=SECTION_IDS)
def test_a_section_is_one_name_everywhere(section: Section) -> None:
    assert Path(f"monitoring/sections/{section.name}.py").exists()
    markup = Path(f"partials/{section.name}.html").read_text()
    assert markup
    assert set(section.needs) <= set(TABLES), "a table that the engine does not write"


async def test_a_partial_has_one_root_that_can_be_fetched(connection: asyncpg.Connection, database_url: str) -> None:
    await seed_account(connection)
    app = create_app(load_settings({"DATABASE_URL": database_url}))
    async with app.test_app():
        client: Any = app.test_client()
        for section in SECTIONS:
            html = (await (await client.get(f"/partials/{section.name}")).get_data(as_text=True)).strip()
            root = re.match(r"<(\w+)[^>]*>", html)
            assert root is not None, section.name
            assert f'id="{section.name}"' in root[0]
            assert re.search(r' data-hash="\w+"', root[0]), section.name
            assert html.endswith(f"</{root[1]}>")
            assert not re.search(r'\sstyle="|<style|<script|\son\w+="', html), "refused by the security policy"


def test_every_metric_is_explained() -> None:
    assert len({metric.key for metric in CATALOGUE}) == len(CATALOGUE)
    for metric in CATALOGUE:
        assert metric.label, metric.key
        assert metric.meaning, metric.key
        assert metric.source, metric.key


def test_no_route_is_open_by_mistake(app: Quart) -> None:
    public = {
        str(rule.rule)
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "access", OF_LIBRARIES.get(rule.endpoint)) == "public"
    }
    assert public == PUBLIC_ROUTES


def test_every_writing_route_needs_the_operator(app: Quart) -> None:
    for rule in app.url_map.iter_rules():
        if (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"} and rule.rule not in PUBLIC_ROUTES:
            assert not hasattr(app.view_functions[rule.endpoint], "access"), rule.rule


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted(Path(folder).rglob("*.py"))]


def test_modules_do_one_thing() -> None:
    found = modules("monitoring", "tests", "e2e", "scripts", "benchmarks")
    long = {path.name for path in found if len(path.read_text().splitlines()) > MAX_MODULE_LINES}
    assert not long


def test_names_of_tests_are_short() -> None:
    names = [name for path in modules("tests", "e2e") for name in re.findall(r"def (test_\w+)", path.read_text())]
    assert not [name for name in names if len(name) > MAX_TEST_NAME_CHARACTERS]


def test_functions_are_short() -> None:
    long = {f"{path.name}:{name}" for path in modules("monitoring") for name in long_functions(parsed(path))}
    assert not long


def test_numeric_constants_name_their_unit() -> None:
    without = [f"{path}: {name}" for path in modules("monitoring") for name in numbers(path) if not has_unit(name)]
    assert not without, f"expected one of {UNITS} at the end, _PER_, or MAX_ and MIN_ before what is counted"


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def numbers(path: Path) -> list[str]:
    """The numeric constants of a module, by name."""
    if path.name == "__main__.py":
        return []
    module = importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    return [name for name in dict.fromkeys(constants(parsed(path))) if type(getattr(module, name)) in (int, float)]


def constants(tree: ast.Module) -> Iterator[str]:
    """Names in capitals that a module assigns, but for enumerations: ``TIME, LOW, HIGH = range(3)``."""
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or ast.unparse(node.value or node).startswith("range("):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        yield from (name for name in names if name.isupper())


def has_unit(name: str) -> bool:
    """Its last word is one of UNITS, it is a rate (TRADES_PER_DAY), or counts something (MAX_KEPT_SCOPES)."""
    return (
        re.fullmatch(UNITS, name.rpartition("_")[2]) is not None
        or "_PER_" in name
        or (name.lstrip("_").startswith(("MAX_", "MIN_")) and name.endswith("S"))
    )


def test_imports_point_one_way() -> None:
    """``charts``, ``metrics``, ``formatting`` and ``signals`` know nothing of the rest, but for the lowest rooms."""
    lonely = [*Path("monitoring/charts").rglob("*.py"), *Path("monitoring/metrics").rglob("*.py")]
    for path in [*lonely, *Path("monitoring/formatting").rglob("*.py"), *Path("monitoring/signals").rglob("*.py")]:
        for module in re.findall(r"^from (monitoring\S*)", path.read_text(), re.M):
            allowed = re.match(
                r"monitoring\.(charts|metrics|formatting|signals|clock|errors|lru|scope_key|presentation)", module
            )
            assert allowed, f"{path} imports {module}"


def test_time_is_read_from_the_clock_alone() -> None:
    """So that tests can say what time it is, and every figure of an answer is of one moment."""
    for path in Path("monitoring").rglob("*.py"):
        if not str(path).startswith(HAVE_TIME_OF_THEIR_OWN):
            read = READS_TIME.search(path.read_text())
            assert read is None, f"{path} reads {read and read[0].strip()}: expected the clock"


def test_the_glossary_names_what_the_code_has() -> None:
    code = "\n".join(path.read_text() for path in modules("monitoring"))
    rows = re.findall(r"^\|(?! ---)(?! term)(.*)\|(.*)\|(.*)\|$", Path("docs/glossary.md").read_text(), re.M)
    assert len(rows) >= 30
    names = {name for _term, _meaning, names in rows for name in re.findall(r"`(.+?)`", names)}
    assert {name for name in names if not re.search(rf"\b{name}\b", code)} == set()
