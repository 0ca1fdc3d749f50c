"""The browser libraries: which versions, where a page loads them from, and the hash both copies must have."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from monitoring.config import ConfigError


@dataclass(frozen=True, slots=True)
class Library:
    """One file of one npm package; the CDN serves the same bytes, so one hash is right for both."""

    package: str
    version: str
    path: str
    sha384: str
    is_socketio: bool = False

    @property
    def file(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def cdn_url(self) -> str:
        return f"https://cdn.jsdelivr.net/npm/{self.package}@{self.version}/{self.path}"

    @property
    def sri(self) -> str:
        return f"sha384-{self.sha384}"

    def matches(self, content: bytes) -> bool:
        return base64.b64encode(hashlib.sha384(content).digest()).decode() == self.sha384


LIBRARIES: tuple[Library, ...] = (
    Library(
        package="htmx.org",
        version="4.0.1",
        path="dist/htmx.min.js",
        sha384="Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn",
    ),
    Library(
        package="socket.io-client",
        version="4.8.4",
        path="dist/socket.io.min.js",
        sha384="fBrXvbDtHoeKWJ/hcA6M+YGueiDW+h45I7V6F2kD1S8bOkrF9rZYPLVkCR6BLR/1",
        is_socketio=True,
    ),
)


class Source(NamedTuple):
    """What the page's ``<meta name="live-lib">`` says of one library."""

    url: str
    sri: str
    is_socketio: bool


def sources(mode: str, static_dir: Path, link: Callable[[str], str]) -> list[Source]:
    """``auto`` prefers vendored copies over the CDN; ``link`` gives the address of a path of ours."""
    return [Source(_url(library, mode, static_dir, link), library.sri, library.is_socketio) for library in LIBRARIES]


def vendored(library: Library, static_dir: Path) -> bool:
    file = static_dir / "vendor" / library.file
    return file.is_file() and library.matches(file.read_bytes())


def _url(library: Library, mode: str, static_dir: Path, link: Callable[[str], str]) -> str:
    if mode == "cdn":
        return library.cdn_url
    if vendored(library, static_dir):
        return link(f"/static/vendor/{library.file}?v={library.version}")
    if mode == "local":
        raise ConfigError(
            f"MONITORING_ASSETS=local: expected {library.package} {library.version} at "
            f"{static_dir / 'vendor' / library.file}; scripts/vendor.py fetches it"
        )
    return library.cdn_url
