"""Sends text compressed by gzip to clients that accept it: shared answers once for all, event streams never.

No body sent here holds a token, a cookie or another secret: an attacker who can put own words into the same body could
guess the secret from its compressed length (BREACH). A test checks every route for that.
"""

import gzip
import re
import zlib
from collections.abc import Iterable
from functools import lru_cache

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from monitoring.layers import App, Message, Receive, Scope, Send
from monitoring.lru import Lru

TEXT = re.compile(rb"text/(?!event-stream)|application/(?:json|javascript|manifest\+json)|image/svg\+xml")
GZIP_LEVEL = 6
"""Of zlib: see docs/benchmarks.md for what each costs and gains."""
STATIC_GZIP_LEVEL = 9
"""Of what is compressed once, when the server starts."""
MIN_GZIP_BYTES = 512
"""What is shorter goes into one packet anyway."""
MAX_HEADER_CHARACTERS = 500
"""Characters of Accept-Encoding that are read; browsers send some 30."""
MAX_HELD_BYTES = 1 << 20
"""What is longer is compressed piece by piece."""
MAX_CACHED_BYTES = 4 << 20
BODILESS_OR_PART = frozenset({204, 206, 304})

Headers = list[tuple[bytes, bytes]]


@lru_cache(maxsize=256)
def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header allows gzip, and does not prefer what is not encoded."""
    accepted: Accept = parse_accept_header(header, Accept)
    return accepted.quality("gzip") > 0 and accepted.quality("gzip") >= accepted.quality("identity")


class Compressed:
    """A cache of compressed bodies: the same bytes are compressed once. Those ``ahead`` are never dropped."""

    def __init__(self, ahead: Iterable[bytes] = ()) -> None:
        self._ahead = {body: gzip.compress(body, STATIC_GZIP_LEVEL, mtime=0) for body in ahead}
        self._kept: Lru[bytes, bytes] = Lru(MAX_CACHED_BYTES, lambda body, made: len(body) + len(made))

    def of(self, body: bytes) -> bytes:
        """``body``, compressed."""
        kept = self._ahead.get(body) or self._kept.get(body)
        return kept or self._kept.put(body, gzip.compress(body, GZIP_LEVEL, mtime=0))


class Compression:
    """ASGI middleware. ``ahead``: bodies that are compressed at once and kept, such as static files."""

    def __init__(self, app: App, ahead: Iterable[bytes] = ()) -> None:
        self._app = app
        self._compressed = Compressed(ahead)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
        answer = _Answer(send, self._compressed, accepts_gzip(accepted[:MAX_HEADER_CHARACTERS].decode("latin-1")))
        if any(name == b"if-range" for name, _ in scope["headers"]):
            # The rest of a compressed answer is asked for, which is no range of the file: all is sent again.
            scope = {**scope, "headers": _without(scope["headers"], b"range")}
        return await self._app(scope, receive, answer.send)


class _Answer:
    """One answer on its way out."""

    def __init__(self, send: Send, compressed: Compressed, wanted: bool) -> None:
        self._send = send
        self._compressed = compressed
        self._wanted = wanted
        self._start: Message = {}
        """What is held back until the body, or the first piece of it, is known."""
        self._headers: Headers = []
        self._held: list[bytes] = []
        self._stream: zlib._Compress | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] != "http.response.body" or not (self._start or self._stream):
            await self._send(message)
        elif self._stream is not None:
            await self._piece(self._stream, message)
        else:
            await self._hold(message)

    async def _begin(self, message: Message) -> None:
        headers: Headers = [(name.lower(), value) for name, value in message["headers"]]
        kind, length = _value(headers, b"content-type"), _value(headers, b"content-length")
        if not TEXT.match(kind) or _value(headers, b"content-encoding"):
            return await self._send(message)
        headers = _varying(headers)
        if self._wanted and message["status"] == 304:
            headers = _weak(headers)
        if not self._wanted or message["status"] in BODILESS_OR_PART:
            return await self._send({**message, "headers": headers})
        self._headers = headers
        self._start = message
        if not length or int(length) > MAX_HELD_BYTES:
            self._stream = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, wbits=16 + zlib.MAX_WBITS)  # 16: as gzip
            await self._send_start(_encoded(headers))
        return None

    async def _hold(self, message: Message) -> None:
        """Keeps a piece of a body of known length; sends all of it with the last one."""
        if piece := message.get("body"):
            self._held.append(piece)
        if message.get("more_body"):
            return
        body = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        headers = self._headers
        if len(body) >= MIN_GZIP_BYTES:
            body = self._shorter(body)
            headers = [*_encoded(headers), (b"content-length", str(len(body)).encode())]
        await self._send_start(headers)
        await self._send({"type": "http.response.body", "body": body})

    def _shorter(self, body: bytes) -> bytes:
        # An answer with an ETag is asked for again, by others too; any other is made for one client.
        shared = _value(self._headers, b"etag")
        return self._compressed.of(body) if shared else gzip.compress(body, GZIP_LEVEL, mtime=0)

    async def _send_start(self, headers: Headers) -> None:
        await self._send({**self._start, "headers": headers})
        self._start = {}

    async def _piece(self, stream: "zlib._Compress", message: Message) -> None:
        more = bool(message.get("more_body"))
        body = stream.compress(message.get("body", b""))
        body += b"" if more else stream.flush()
        if body or not more:
            await self._send({**message, "body": body})


def _value(headers: Headers, wanted: bytes) -> bytes:
    return next((value for name, value in headers if name == wanted), b"")


def _varying(headers: Headers) -> Headers:
    """One Vary header, with Accept-Encoding added to it."""
    others = [value for name, value in headers if name == b"vary"]
    return [*_without(headers, b"vary"), (b"vary", b", ".join([*others, b"Accept-Encoding"]))]


def _encoded(headers: Headers) -> Headers:
    """Headers of the same content by gzip, its length left open."""
    rest = _without(headers, b"content-length", b"accept-ranges")
    return [*_weak(rest), (b"content-encoding", b"gzip")]


def _weak(headers: Headers) -> Headers:
    """A tag that means the same content, not the same bytes."""
    return [
        (name, b"W/" + value if name == b"etag" and not value.startswith(b"W/") else value) for name, value in headers
    ]


def _without(headers: Headers, *names: bytes) -> Headers:
    return [(name, value) for name, value in headers if name not in names]
