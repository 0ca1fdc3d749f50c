"""Bytes that a browser receives until a page stands and is live: `python -m benchmarks.first_load [ADDRESS]`.

Every page with its style sheet, script and libraries, each with its headers, as received without compression and with
it; and what one section costs when it is fetched again. Without an address, of a dashboard on a month of trades.
"""

import asyncio
import re
import sys
from urllib.parse import urlsplit

from benchmarks.databases import SIZES, make, start_server
from benchmarks.figures import serving

PAGES = ("/", "/positions", "/trades", "/results", "/engine", "/bots", "/activity", "/settings", "/explain")
FOLLOWED = re.compile(rb'<(?:link [^>]*href|meta name="live-lib" content|script src)="([^"]+)"')
STORY = re.compile(rb'"(/trades/\d+[^"]*)"')
FETCHED_AGAIN = "/partials/open_positions"
MAX_FIRST_LOAD_BYTES = 60_000
Sizes = tuple[int, int]
"""Bytes without compression and with it."""


async def received(address: str, path: str, encoding: str) -> bytes:
    """A whole answer, as it comes over the wire."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    asked = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAccept-Encoding: {encoding}\r\nConnection: close\r\n\r\n"
    writer.write(asked.encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200"), path
    return answer


async def sizes(address: str, path: str) -> Sizes:
    return len(await received(address, path, "identity")), len(await received(address, path, "gzip, deflate, br, zstd"))


async def measure(address: str) -> tuple[dict[str, Sizes], dict[str, Sizes]]:
    """What every page loads beside itself, and each page with that, by path."""
    first = await received(address, "/", "identity")
    linked = [found.decode().replace("&amp;", "&") for found in FOLLOWED.findall(first)]
    beside = {path: await sizes(address, path) for path in linked}
    story = STORY.search(await received(address, "/trades", "identity"))
    pages = (*PAGES, story.group(1).decode().replace("&amp;", "&")) if story else PAGES
    whole = tuple(map(sum, zip(*beside.values(), strict=True)))
    documents = {path: await sizes(address, path) for path in pages}
    return beside, {path: (plain + whole[0], packed + whole[1]) for path, (plain, packed) in documents.items()}


async def report(address: str) -> int:
    beside, pages = await measure(address)
    print(f"{'bytes received, headers included':50}{'plain':>10}{'packed':>10}{'share':>8}")
    for name, (plain, packed) in {**beside, **{f"first load of {path}": size for path, size in pages.items()}}.items():
        print(f"{name:50}{plain:10}{packed:10}{packed / plain:8.0%}")
    plain, packed = await sizes(address, FETCHED_AGAIN)
    print(f"{FETCHED_AGAIN + ', again':50}{plain:10}{packed:10}{packed / plain:8.0%}")
    return int(max(packed for _, packed in pages.values()) > MAX_FIRST_LOAD_BYTES)


async def main() -> int:
    if sys.argv[1:]:
        return await report(sys.argv[1])
    with start_server() as server:
        async with serving(await make(server, SIZES[0])) as (address, _process, _started):
            return await report(address)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
