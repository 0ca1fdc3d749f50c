"""What static/js/live.js promises without a browser: it is small, and an old phone can parse it."""

import gzip
import re
import subprocess

import pytest

from monitoring.resources import resource_dir
from scripts.programs import own_node
from tests.waiting import WAIT_SECONDS

LIVE_JS = resource_dir("static") / "js" / "live.js"
MOST_BYTES = 3500
NEWER_THAN_ES5 = {
    "arrow function": r"=>",
    "template literal": r"`",
    "optional chaining": r"\?\.(?!\d)",
    "nullish coalescing": r"\?\?",
    "spread": r"\.\.\.",
    "const, let or class": r"\b(?:const|let|class)\s+\w",
    "async or await": r"\b(?:async|await)\s+\w",
    "for of": r"\bfor\s*\([^)]*\bof\b",
}
# Node carries a parser of its own; ES5 is what it is told to accept.
PARSE = """
const acorn = require('internal/deps/acorn/acorn/dist/acorn');
acorn.parse(require('fs').readFileSync(0, 'utf8'), { ecmaVersion: 5 });
"""


def code() -> str:
    """The script without its comments and strings."""
    source = LIVE_JS.read_text(encoding="utf-8")
    return re.sub(r"'(?:\\.|[^'\\\n])*'|//[^\n]*|/\*.*?\*/", "''", source, flags=re.DOTALL)


def test_it_is_small() -> None:
    assert len(gzip.compress(LIVE_JS.read_bytes(), compresslevel=6)) <= MOST_BYTES


@pytest.mark.parametrize("syntax", NEWER_THAN_ES5)
def test_it_uses_no_newer_syntax(syntax: str) -> None:
    assert re.findall(NEWER_THAN_ES5[syntax], code()) == []


def test_it_parses_as_es5() -> None:
    assert parses(LIVE_JS.read_text(encoding="utf-8"))
    assert not parses("var grown = () => 1;")


def parses(source: str) -> bool:
    node = own_node()
    assert node
    command = [node, "--expose-internals", "--eval", PARSE]
    done = subprocess.run(command, input=source, capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert "Cannot find module" not in done.stderr
    return done.returncode == 0
