"""What an open page costs its reader: `python -m benchmarks.open_page [MINUTES] [--checkout FOLDER]`.

A phone (390 px) looks at Now of the demo at its usual speed: as it is, with Save-Data, and so tall that all is in
sight; then at the other pages. A proxy between browser and server counts, once the page is live, requests and the
bytes that the browser receives, with headers and frames.
"""

import argparse
import asyncio
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from benchmarks.browser import ARGUMENTS
from monitoring.sections.pages import ACTIVITY, TABS
from scripts.find_chromium import find_chromium

PHONE = {"width": 390, "height": 844}
TALL_PHONE = {"width": 390, "height": 12_000}
REQUEST = re.compile(rb"^(?:GET|POST|HEAD) (\S+) HTTP/1\.1\r\n", re.MULTILINE)
SAVE_DATA = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } });"
CHUNK_BYTES = 65_536
SETTLE_SECONDS = 10


@dataclass
class Counted:
    """A proxy that counts what passes through it."""

    port: int
    received: int = 0
    requests: list[str] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(self._up(reader, to_server), self._down(from_server, writer))

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            self.requests += [path.decode() for path in REQUEST.findall(data)]
            writer.write(data)
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            self.received += len(data)
            writer.write(data)
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Counted"]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield self
        server.close()


@asynccontextmanager
async def demo(checkout: Path, folder: str) -> AsyncIterator[int]:
    """The demo, and its port."""
    command = (sys.executable, "-m", "monitoring", "dashboards", "run", "monitoring", "--port", "0", "--demo")
    process = await asyncio.create_subprocess_exec(
        *(*command, "--demo-dir", folder),
        cwd=checkout,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "ENV": "test"},
    )
    assert process.stdout is not None
    found = None
    while found is None:
        line = await process.stdout.readline()
        assert line, "the demo does not start"
        found = re.search(rb"at http://[^:/]+:(\d+)/ ", line)
    draining = asyncio.create_task(process.stdout.read())
    try:
        yield int(found[1])
    finally:
        process.terminate()
        await process.wait()
        draining.cancel()


async def watch(
    browser: Browser,
    port: int,
    seconds: float,
    path: str = "/",
    *,
    save_data: bool = False,
    size: Mapping[str, int] = PHONE,
) -> str:
    """Looks at the page for so long, and says what it cost a minute."""
    async with Counted(port).listening() as counted:
        context = await browser.new_context(viewport=size, device_scale_factor=2, is_mobile=True, has_touch=True)  # type: ignore[arg-type]
        page = await context.new_page()
        if save_data:
            await page.add_init_script(SAVE_DATA)
        await page.goto(f"{counted.url}{path}")
        await page.wait_for_selector("html[data-live=ws]")
        await asyncio.sleep(SETTLE_SECONDS)
        counted.received, counted.requests = 0, []
        await asyncio.sleep(seconds)
        requests, received = len(counted.requests), counted.received
        await context.close()
    minutes = seconds / 60
    return f"{requests / minutes:10.1f}{received / minutes / 1000:10.1f}"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=3)
    parser.add_argument("--checkout", type=Path, default=Path.cwd())
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="atb-demo-") as folder:
        async with demo(given.checkout, folder) as port, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=[*ARGUMENTS])
            print(f"{'a minute of an open page':30}{'requests':>10}{'kB':>10}")
            seconds = given.minutes * 60
            looks = {
                "as usual": watch(browser, port, seconds),
                "with Save-Data": watch(browser, port, seconds, save_data=True),
                "everything in sight": watch(browser, port, seconds, size=TALL_PHONE),
                **{page.title: watch(browser, port, seconds, page.path) for page in (*TABS[1:], ACTIVITY)},
            }
            for name, cost in zip(looks, await asyncio.gather(*looks.values()), strict=True):
                print(f"{name:30}{cost}")
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
