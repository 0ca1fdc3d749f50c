"""Any database address gets an answer, or one sentence: never a driver's traceback, and never a password."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitoring.cli import monitoring_main
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.pool import Database, DatabaseUnavailable
from monitoring.database.url import normalise_url
from monitoring.verify import verify
from tests.faults.wire import wire_to
from tests.running import atb

HIDDEN = "h1dd3n"
ODD = [
    "",
    " ",
    "not an address",
    "mysql://u:h1dd3n@127.0.0.1/db",
    "postgresql:/u:h1dd3n@127.0.0.1/db",
    "postgresql://u:h1dd3n@127.0.0.1:0/db",
    "postgresql://u:h1dd3n@127.0.0.1:99999/db",
    "postgresql://u:h1dd3n@127.0.0.1:port/db",
    "postgresql://u:h1dd3n@127.0.0.1:1/db",
    "postgres://u:h1dd3n@127.0.0.1:1/db",
    "postgresql+psycopg2://u:h1dd3n@127.0.0.1:1/db",
    "postgresql://u:h1dd3n@127.0.0.1:1,127.0.0.1:2/db",
    "postgresql://u:h1dd3n@127.0.0.1,,127.0.0.1/db",
    "postgresql://u:h1dd3n@[::1]:1/db",
    "postgresql://u:h1dd3n@[::1/db",
    "postgresql://u:h1dd3n@::1/db",
    "postgresql://u:h1dd3n@no-such-host.invalid/db",
    "postgresql://u:h1dd3n@-/db",
    "postgresql://u:h1dd3n@" + "a" * 80 + ".invalid/db",
    "postgresql://u:h1dd3n/@127.0.0.1:1/db",
    "postgresql://u:h1dd3n?@127.0.0.1:1/db",
    "postgresql://u:h1dd3n#@127.0.0.1:1/db",
    "postgresql://u:h1dd3n@@127.0.0.1:1/db",
    "postgresql://u:h1dd3n%00@127.0.0.1:1/db",
    "postgresql://u:h1dd3n%zz@127.0.0.1:1/db",
    "postgresql://u:h1dd3n@127.0.0.1:1/db?ssl=true",
    "postgresql://u:h1dd3n@127.0.0.1:1/db?ssl=perhaps",
    "postgresql://u:h1dd3n@127.0.0.1:1/db?sslmode=perhaps",
    "postgresql://u:h1dd3n@127.0.0.1:1/db?sslrootcert=/nowhere",
    "postgresql://u:h1dd3n@127.0.0.1:1/db?sslmode=verify-full",
    "postgresql://u:h1dd3n@127.0.0.1:1/db?target_session_attrs=perhaps",
    "postgresql://u:h1dd3n@127.0.0.1:1/db?a&b&=c",
    "postgresql://u:h1dd3n@127.0.0.1:1/db?port=x",
    "postgresql:///db?host=/no/such/folder",
    "postgresql://",
]


@pytest.fixture
async def tcp(database_url: str) -> AsyncIterator[str]:
    """The database behind a port."""
    async with wire_to(database_url) as wire:
        yield wire.url()


def one_sentence(error: str) -> str:
    assert len(error.strip().splitlines()) == 1, error
    assert error.startswith("atb: ")
    assert not error.startswith("atb: :")
    assert HIDDEN not in error
    return error


@pytest.mark.parametrize("address", ODD)
def test_one_sentence_and_exit_1(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("verify", "init"):
        monkeypatch.setattr("sys.argv", ["atb", "db", command, "--db-url", address])
        with pytest.raises(SystemExit) as stopped:
            monitoring_main()
        assert stopped.value.code == 1
        one_sentence(capsys.readouterr().err)


async def test_the_dashboard_says_the_same() -> None:
    async def run(address: str) -> tuple[int, str]:
        code, _, error = await atb("dashboards", "run", "monitoring", "--port", "0", "--db-url", address)
        return code, error

    for code, error in await asyncio.gather(*(run(address) for address in ODD[5::12])):
        assert code == 1, error
        one_sentence(error)


@pytest.mark.parametrize("more", ["ssl=true", "sslmode=require", "ssl=no-verify"])
async def test_tls_that_the_server_has_not(more: str, tcp: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="it does not speak TLS"):
        await verify(normalise_url(f"{tcp}?{more}"))


@pytest.mark.parametrize(
    ("more", "said"),
    [("", "it is not a PostgreSQL server"), ("?sslmode=require", "if it is a PostgreSQL server at all")],
)
async def test_another_kind_of_server_is_named(more: str, said: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as web:
        port = web.sockets[0].getsockname()[1]
        with pytest.raises(DatabaseUnavailable, match=said):
            await verify(f"postgresql://127.0.0.1:{port}/atb{more}")


@pytest.mark.parametrize("more", ["ssl=false", "sslmode=prefer", "pgbouncer=true&uselibpqcompat=true", "ssl=0"])
async def test_spellings_that_are_understood(more: str, tcp: str) -> None:
    report = await verify(normalise_url(f"{tcp.replace('postgresql:', 'postgres:')}?{more}"))
    assert "Connected to 127.0.0.1" in report.text


async def test_several_hosts_the_second_of_which_answers(tcp: str) -> None:
    place = urlsplit(tcp).netloc.rpartition("@")[2]
    report = await verify(normalise_url(tcp.replace(place, f"127.0.0.1:1,{place}")))
    assert "Connected to" in report.text


async def test_a_setting_that_the_server_does_not_take_is_named(tcp: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"it refuses a setting that the address asks for \(currentSchema\)"):
        await verify(normalise_url(f"{tcp}?currentSchema=public"))


TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=0x2FF), max_size=12)
HOSTS = st.sampled_from(["127.0.0.1", "[::1]", "127.0.0.1,127.0.0.1", "[", "%2Fnowhere", "127.0.0.1,", "a b", "::1"])
PORTS = st.sampled_from([":1", ":0", ":70000", ":", ":x", ":-1", ":1,2"])


@settings(max_examples=60)
@given(scheme=st.sampled_from(["postgres", "postgresql", "postgresql+asyncpg"]), user=TEXT, password=TEXT, host=HOSTS,
       port=PORTS, path=TEXT, query=TEXT)  # fmt: skip
@example(scheme="postgres", user="", password="", host="127.0.0.1", port=":1", path="", query="&&=&sslmode")
async def test_any_text_as_an_address(
    scheme: str, user: str, password: str, host: str, port: str, path: str, query: str
) -> None:
    assert len((await answer(f"{scheme}://{user}:{password}@{host}{port}/{path}?{query}")).splitlines()) == 1


async def answer(address: str) -> str:
    """The sentence that an address is answered with."""
    try:
        database = Database(normalise_url(address), SYSTEM_CLOCK)
        async with asyncio.timeout(20):
            await database.open()
    except (DatabaseUnavailable, ValueError) as refused:
        return str(refused)
    await database.close()
    return "connected"
