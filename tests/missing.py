"""What a machine lacks: tests that need it are skipped and counted in one line; where CI is set, they fail."""

import os
import re
from collections import Counter
from collections.abc import Callable

import pytest

REASON = re.compile(r"needs (\S+)$")
UNIT = "--unit"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(UNIT, action="store_true", help="skips what needs a browser")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption(UNIT):
        for item in items:
            if "browser" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip("needs Chromium"))


def needed(name: str, find: Callable[[], str | None]) -> str:
    """The path that ``find`` gives; without one the test that asks is skipped."""
    path = find()
    if path is None and "CI" in os.environ:
        pytest.fail(f"{name} is missing: python -m scripts.install_programs")
    if path is None:
        pytest.skip(f"needs {name}")
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line, however many tests it is about."""
    reasons = (REASON.search(str(report.longrepr[-1])) for report in terminalreporter.stats.get("skipped", ()))
    counts = Counter(found[1] for found in reasons if found)
    if counts:
        tests = ", ".join(f"{count} tests that need {name}" for name, count in counts.most_common())
        terminalreporter.line(f"Skipped: {tests} (make test runs them)")
