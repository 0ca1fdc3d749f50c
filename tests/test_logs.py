"""The log: one event is one line, in either form, and no line holds a secret."""

import asyncio
import json
import signal
import subprocess
import sys

import httpx
import pytest

from monitoring import logs
from tests.running import run_dashboard
from tests.secrets import SECRET_KEY, SECRETS, TOKEN

HOSTILE = "a\nb\r\tc\x1b[31md\x07\x00\x7f\x85\u2028\u2029\u202ee\u2066f\ud800"
PASSWORD = "p%C3%A4ss-of-the-bot"
ENVIRON = {"DATABASE_URL": f"postgresql://bot:{PASSWORD}@db.example/atb", **SECRETS}
PROGRAM = """
import asyncio, logging, sys, threading, warnings
from monitoring import logs
from monitoring.config import load_settings

def fail(words):
    raise ValueError(words)

logs.configure(load_settings({environ!r}))
log = logging.getLogger("anything")
"""
"""A program of its own for each test: pytest takes hold of every log in its own."""


@pytest.fixture(params=["0", "1"], ids=["plain", "json"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def logged(form: str, *statements: str) -> list[str]:
    """What a program that does this logs; every line is printable, and JSON where it should be."""
    environ = {**ENVIRON, "LOG_JSON": form}
    program = PROGRAM.format(environ=environ) + "\n".join(statements)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    found = done.stderr.decode().split("\n")
    assert found.pop() == ""
    for line in found:
        assert line.isprintable(), repr(line)
        if form == "1":
            assert {"timestamp", "level", "logger", "message"} <= set(json.loads(line))
    return found


FAILURE = """
try:
    fail({words})
except ValueError:
    log.exception({message})
"""


def test_a_hostile_message_is_one_line(form: str) -> None:
    (line,) = logged(form, f"log.warning('GET %s', {HOSTILE!a})")
    assert "\\u001b[31m" in line
    if form == "1":
        assert json.loads(line)["message"] == f"GET {HOSTILE}"


def test_a_traceback_is_one_line(form: str) -> None:
    (line,) = logged(form, FAILURE.format(words=ascii(HOSTILE), message="'failed'"))
    assert "Traceback (most recent call last):\\n" in line
    assert "in fail" in line


def test_what_is_long_is_cut(form: str) -> None:
    long = "'x' * 1_000_000"
    message, trace = logged(form, f"log.warning({long})", FAILURE.format(words=long, message="'failed'"))
    assert "… (1000000 characters)" in message
    assert len(message) < logs.MAX_MESSAGE_CHARACTERS + 200
    assert len(trace) < logs.MAX_TRACEBACK_CHARACTERS + 200


def test_secrets_are_hidden(form: str) -> None:
    told = f"{SECRET_KEY} {PASSWORD} päss-of-the-bot"
    (line,) = logged(form, FAILURE.format(words=repr(f"no access with {TOKEN}"), message=repr(told)))
    for secret in (TOKEN, SECRET_KEY, PASSWORD, "päss-of-the-bot"):
        assert secret not in line
    assert "*** *** ***" in line


def test_a_log_call_that_does_not_fit_is_named(form: str) -> None:
    (line,) = logged(form, "log.error('%d of %d', 'few')")
    assert "few" in line


TASK = """
async def work():
    await asyncio.wait([asyncio.ensure_future(asyncio.to_thread(fail, "in a task"))])

asyncio.run(work())
"""


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("warnings.warn('an old call', stacklevel=1)", "an old call"),
        ("threading.Thread(target=fail, args=('in a thread',)).start()", "in a thread"),
        ("fail('at the end')", "at the end"),
        (TASK, "Task exception was never retrieved"),
        ("class Late:\n    def __del__(self):\n        fail('too late')\nLate()", "too late"),
    ],
    ids=["warning", "thread", "end", "task", "finaliser"],
)
def test_what_python_complains_of_is_one_line(form: str, statement: str, words: str) -> None:
    (line,) = logged(form, statement)
    assert words in line


def test_libraries_say_a_thing_once(form: str) -> None:
    libraries = ["socketio.server", "engineio.server", "quart.app", "uvicorn.error"]
    application = (
        "from monitoring.app import create_app; create_app(load_settings({'DATABASE_URL': 'postgresql://x/y'}))"
    )
    lines = logged(form, application, *(f"logging.getLogger({name!r}).error('from {name}')" for name in libraries))
    assert len(lines) == len(libraries)
    assert all(f"from {name}" in line for name, line in zip(libraries, lines, strict=True))


async def test_every_line_of_a_json_log_is_json(database_url: str) -> None:
    """From the first one on, with what the server says of a broken request."""
    async with (
        run_dashboard("--db-url", database_url, "--debug", LOG_JSON="1", MONITORING_DASHBOARD_TOKEN="weak") as running,
        httpx.AsyncClient() as client,
    ):
        assert (await client.get(f"{running.url}/?range=%0a%1b[31m")).status_code < 500
        host, port = running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"\x1b[31m no HTTP\n\n")
        await writer.drain()
        await reader.read()
        writer.close()
        running.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(running.process.wait(), 30)
    entries = [json.loads(line) for line in running.log]
    assert [entry["message"] for entry in entries if "Monitoring is at" in entry["message"]]
    assert [entry["message"] for entry in entries if "MONITORING_DASHBOARD_TOKEN has 4 characters" in entry["message"]]
    assert "uvicorn.error" in {entry["logger"] for entry in entries}
