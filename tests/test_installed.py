"""The wheel in an environment of its own, beside one with the versions that the bot pins: both work."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.running import run_dashboard
from tests.waiting import WAIT_SECONDS

THE_BOTS_PINS = ("Flask==2.3.3", "numpy==1.26.2")
A_FLASK_APPLICATION = """
import flask, numpy
from importlib.metadata import version
app = flask.Flask("bot")
app.add_url_rule("/", view_func=lambda: str(numpy.ones(3).sum()))
print(version("flask"), numpy.__version__, app.test_client().get("/").text)
"""


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_environment(folder: Path) -> Path:
    """The programs of a new virtual environment."""
    run(sys.executable, "-m", "venv", folder)
    return folder / "bin"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist")
    return next((tmp_path / "dist").glob("*.whl"))


def test_an_index_shows_no_link_that_leads_nowhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("dist-info/METADATA"))
        metadata = archive.read(name).decode()
        assert "monitoring/py.typed" in archive.namelist()
    assert "License-Expression: MIT" in metadata
    assert "# Monitoring" in metadata
    assert "<img" not in metadata
    assert not re.search(r"\]\((?!https?:)", metadata)


@pytest.mark.audit
@pytest.mark.timeout(600)
async def test_bot_and_dashboard_run_in_environments_of_their_own(
    wheel: Path, tmp_path: Path, database_url: str
) -> None:
    theirs = make_environment(tmp_path / "bot")
    run(theirs / "pip", "install", *THE_BOTS_PINS, "Werkzeug<3")
    assert run(theirs / "python", "-c", A_FLASK_APPLICATION) == "2.3.3 1.26.2 3.0\n"

    ours = make_environment(tmp_path / "monitoring")
    run(ours / "pip", "install", "--require-hashes", "-r", "requirements/production.txt")
    run(ours / "pip", "install", "--no-deps", wheel)
    run(ours / "pip", "check")
    installed = run(ours / "pip", "list")
    for of_the_demo in ("psutil", "platformdirs", "pixeltable"):
        assert of_the_demo not in installed

    atb = (str(ours / "atb-monitoring"),)
    async with (
        run_dashboard("--db-url", database_url, program=atb, folder=tmp_path) as running,
        httpx.AsyncClient(timeout=WAIT_SECONDS) as client,
    ):
        assert (await client.get(running.url)).status_code == 200
        assert (await client.get(f"{running.url}/ready")).status_code == 200
