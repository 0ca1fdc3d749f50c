"""The table that compares the structure of two commits."""

import ast

from scripts.measure_structure import long_functions, measure, table

WIRED = """
from collections.abc import Callable
from monitoring.b import Listener

class Hub:
    def __init__(self, listener: Listener, names: list[str], done: Callable[[], None]) -> None:
        self.on_close: Callable[[], None] = done
"""
DECLARED = """
from collections.abc import Callable
from dataclasses import dataclass

Listener = Callable[[int], None]

@dataclass(frozen=True)
class Metric:
    compute: Callable[[], float]
"""


def test_callbacks_are_counted_through_names_of_types() -> None:
    found = measure({"monitoring/a.py": WIRED, "monitoring/b.py": DECLARED})
    assert [name.rpartition(".")[2] for name in found.callbacks] == ["listener", "done", "on_close"]
    assert (found.classes, found.lines) == (2, WIRED.count("\n") + DECLARED.count("\n"))
    assert table({"old": found, "now": found}).splitlines()[2] == "| callbacks between objects | 3 | 3 |"


def test_functions_over_25_lines_are_long() -> None:
    sources = {name: f"def {name}():\n" + "    pass\n" * lines for name, lines in (("short", 24), ("long", 25))}
    assert [list(long_functions(ast.parse(source))) for source in sources.values()] == [[], ["long"]]
