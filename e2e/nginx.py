"""A real nginx in front of the dashboard, configured well and in the ways that break live pages."""

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.listening import stop_listening
from tests.waiting import waiting

ACCESS_LOG = "access.log"
PLAIN = """
location / {
    proxy_pass $UPSTREAM;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
}
"""
STRIPPED = """
location / {
    proxy_pass $UPSTREAM;
    proxy_set_header Host $http_host;
}
"""
SWALLOWED = (
    STRIPPED
    + """
location /socket.io/ {
    proxy_pass $BLACK_HOLE;
}
"""
)
BUFFERED = (
    STRIPPED
    + """
location /events {
    proxy_pass $UPSTREAM;
    proxy_set_header Host $http_host;
    proxy_ignore_headers X-Accel-Buffering;
    proxy_buffering on;
    gzip on;
    gzip_types text/event-stream;
}
"""
)
PREFIX_TAKEN_OFF = PLAIN.replace("location /", "location /monitoring/").replace("$UPSTREAM", "$UPSTREAM/")
PREFIX_LEFT_ON = PLAIN.replace("location /", "location /monitoring")

MAIN = """
daemon off;
error_log stderr notice;
pid nginx.pid;
worker_processes 1;
events { worker_connections 512; }
http {
    log_format short '$status $request_method $request_uri';
    access_log access.log short;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream dashboards {
        $INSTANCES
    }
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    $SITES
}
"""


class Nginx:
    """Sites by name: ``url(name)`` is where a browser finds one."""

    def __init__(self, folder: Path, ports: Mapping[str, int]) -> None:
        self._log = folder / ACCESS_LOG
        self._ports = ports

    def url(self, site: str) -> str:
        return f"http://127.0.0.1:{self._ports[site]}"

    def requests(self) -> list[str]:
        """A line for each request that was answered: status, method and path."""
        return self._log.read_text(encoding="utf-8").splitlines()


@contextlib.asynccontextmanager
async def run_nginx(program: str, upstream: str, sites: Mapping[str, str], *others: str) -> AsyncIterator[Nginx]:
    """nginx with a site for each entry of ``sites`` (its locations), all in front of ``upstream``.

    With ``others`` the requests go to each of them in turn, and on to the next where one does not answer. Without
    ``max_fails=0`` nginx leaves an instance alone after one refusal, and may find no other while they restart in turn.
    """
    with tempfile.TemporaryDirectory(prefix="atb-nginx-") as name:
        folder = Path(name)
        async with _black_hole() as black_hole:
            ports = dict(zip(sites, free_ports(len(sites)), strict=True))
            servers = [f"server {{ listen 127.0.0.1:{ports[site]}; {locations} }}" for site, locations in sites.items()]
            text = MAIN.replace("$SITES", "\n".join(servers))
            instances = [f"server {urlsplit(url).netloc} max_fails=0;" for url in (upstream, *others)]
            text = text.replace("$INSTANCES", " ".join(instances))
            text = text.replace("$UPSTREAM", "http://dashboards").replace("$BLACK_HOLE", black_hole)
            user = "user root;" if os.geteuid() == 0 else ""
            (folder / "nginx.conf").write_text(user + text, encoding="utf-8")
            async with _running(program, folder):
                yield Nginx(folder, ports)


@contextlib.asynccontextmanager
async def _running(program: str, folder: Path) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(program, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr"), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    said = b""
    async with waiting():
        while b"start worker process " not in said:
            line = await process.stderr.readline()
            assert line, f"nginx does not start: {said.decode()}"
            said += line
    reading = asyncio.create_task(process.stderr.read())
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
        await reading


@contextlib.asynccontextmanager
async def _black_hole() -> AsyncIterator[str]:
    """Accepts connections and never answers."""
    ending = asyncio.Event()

    async def swallow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ending.wait()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    yield "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]  # noqa: UP031
    await stop_listening(server)
    ending.set()


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
