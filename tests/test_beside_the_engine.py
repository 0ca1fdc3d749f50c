"""Where the engine is installed too: which of the two answers, and how the engine starts our dashboard."""

import os
import sys
from pathlib import Path

import pytest

from tests.running import run

ROOT = Path(__file__).parent.parent

ENGINE = """
import sys
import tempfile

def main():
    if sys.argv[1:] == ["dashboards", "list"]:
        print("Loaded something")
        print("Available dashboards:")
        print("- backtesting: Past runs")
        print("- monitoring: The old one")
        return 0
    print("the engine was called with", sys.argv[1:])
    return 3
"""


async def beside_the_engine(folder: Path, engine: str, *arguments: str) -> tuple[int, str, str]:
    """What ``atb`` answers where the engine's command, or what stands for it, can be imported."""
    (folder / "cli").mkdir()
    (folder / "cli" / "__init__.py").touch()
    (folder / "cli" / "__main__.py").write_text(engine)
    path = os.pathsep.join([str(folder), str(Path.cwd())])
    return await run(sys.executable, "-c", "from monitoring.cli import main; main()", *arguments, PYTHONPATH=path)


async def test_the_engines_dashboards_are_listed_too(tmp_path: Path) -> None:
    code, out, _ = await beside_the_engine(tmp_path, ENGINE, "dashboards", "list")
    assert code == 0
    heading, theirs, ours = out.splitlines()
    assert heading == "Available dashboards:"
    assert theirs == "- backtesting: Past runs"
    assert ours.startswith("- monitoring: A live trading bot")


async def test_a_broken_engine_hides_no_dashboard(tmp_path: Path) -> None:
    code, out, err = await beside_the_engine(tmp_path, "import no_such_package", "dashboards", "list")
    assert code == 0
    assert "- monitoring: A live trading bot" in out
    assert err == "atb: the engine's dashboards cannot be listed (No module named 'no_such_package')\n"


@pytest.mark.parametrize("command", [("live", "ml_basic"), ("dashboards", "run", "backtesting"), ("db", "verify")])
async def test_other_commands_are_the_engines(tmp_path: Path, command: tuple[str, ...]) -> None:
    code, out, _ = await beside_the_engine(tmp_path, ENGINE, *command)
    assert code == 3
    assert out == f"the engine was called with {list(command)}\n"


async def test_monitoring_is_ours_beside_the_engine(tmp_path: Path) -> None:
    code, _, err = await beside_the_engine(tmp_path, ENGINE, "dashboards", "run", "monitoring", "--port", "x")
    assert code == 2
    assert "--port=x" in err


async def test_the_class_the_engine_starts_ends_with_a_sentence() -> None:
    start = "from monitoring.dashboard import MonitoringDashboard; MonitoringDashboard({}).run(port=0)"
    for url, said in (("", "atb: no database: "), ("'postgresql://nobody@127.0.0.1:1/x'", "atb: 127.0.0.1:1/x: ")):
        code, out, err = await run(sys.executable, "-c", start.format(url), PYTHONPATH=str(ROOT))
        assert (code, out, err.count("\n")) == (1, "", 1), err
        assert err.startswith(said)
