"""Bytes that a browser receives until the page stands and is live: `python -m benchmarks.first_load`.

The page, its style sheet, script and libraries, each with its headers, as received without compression and with it;
and what one section costs when it is fetched again.
"""

import asyncio
import re
from urllib.parse import urlsplit

from benchmarks.databases import SIZES, make, start_server
from benchmarks.figures import serving

LINKED = re.compile(rb'<(?:link rel="stylesheet" href|meta name="live-lib" content|script src)="([^"]+)"')
FETCHED_AGAIN = "/partials/trades"


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


async def measure(address: str) -> dict[str, tuple[int, int]]:
    """Bytes without compression and with it, by path."""
    page = await received(address, "/", "identity")
    paths = ["/", *(found.decode() for found in LINKED.findall(page)), FETCHED_AGAIN]
    return {
        path: (len(await received(address, path, "identity")), len(await received(address, path, "gzip")))
        for path in paths
    }


async def main() -> None:
    with start_server() as server:
        async with serving(await make(server, SIZES[0])) as (address, _process, _started):
            found = await measure(address)
    again = found.pop(FETCHED_AGAIN)
    whole = sum(plain for plain, _ in found.values()), sum(packed for _, packed in found.values())
    print(f"{'bytes received, headers included':50}{'plain':>10}{'gzip':>10}{'share':>8}")
    for name, (plain, packed) in {**found, "first load": whole, f"{FETCHED_AGAIN}, again": again}.items():
        print(f"{name:50}{plain:10}{packed:10}{packed / plain:8.0%}")


if __name__ == "__main__":
    asyncio.run(main())
