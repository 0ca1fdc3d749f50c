"""What fragments cost that are rendered already: `python -m benchmarks.fragments` (half a minute).

Open pages fetch what a trade makes stale, in one request or in one for each section. Counted are the fragments that
one core of the server could give a second, by the processor time that its process uses.
"""

import asyncio
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks.databases import Size, make
from benchmarks.figures import serving
from benchmarks.usage import Meter
from monitoring.postgres.embedded import EmbeddedServer

NAMES = (
    *("trade_list", "figures", "account_now", "equity", "verdict", "realised", "engine_now", "risk_now", "calendar"),
    "state",
)
CONNECTIONS = 20
REQUESTS = 100
REQUEST = "GET {path} HTTP/1.1\r\nHost: {host}\r\nHX-Request: true\r\nAccept-Encoding: gzip\r\n\r\n"


class Client:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    async def get(self, path: str) -> None:
        self._writer.write(REQUEST.format(path=path, host=self._host).encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        await self._reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))


async def measure(address: str, process: int, paths: tuple[str, ...]) -> None:
    place = urlsplit(address)
    opened = [await asyncio.open_connection(place.hostname, place.port) for _ in range(CONNECTIONS)]
    clients = [Client(reader, writer, place.netloc) for reader, writer in opened]

    async def fetch(client: Client, times: int) -> None:
        for _ in range(times):
            for path in paths:
                await client.get(path)

    await fetch(clients[0], 3)
    meter = Meter.start((process,))
    await asyncio.gather(*(fetch(client, REQUESTS) for client in clients))
    spent = meter.seconds()
    rounds = CONNECTIONS * REQUESTS
    each = 1000 * spent / rounds
    print(f"{len(NAMES)} sections by {len(paths)} requests: {1000 * len(NAMES) / each:.0f} fragments a core-second,")
    print(f"  {each:.2f} ms for all of them, {each / len(paths):.2f} ms a request", flush=True)
    for _, writer in opened:
        writer.close()


async def newest_version(address: str) -> str:
    async with httpx.AsyncClient(base_url=address) as client:
        (await client.get("/")).raise_for_status()
        versions: dict[str, str] = (await client.get("/versions")).json()
    return list(versions.values())[-1]


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer.start(Path(folder), durable=False) as postgres:
        url = await make(postgres, Size("live", 10_000, 1_000))
        async with serving(url) as (address, process, _started):
            at = await newest_version(address)
            await measure(address, process, tuple(f"/partials/{name}?at={at}" for name in NAMES))
            await measure(address, process, (f"/partials?names={','.join(NAMES)}&at={at}",))


if __name__ == "__main__":
    asyncio.run(main())
