"""The browser libraries: the pinned file and no other, from the local copy or the CDN."""

from pathlib import Path

import pytest

from monitoring import assets
from monitoring.assets import LIBRARIES, Library, Source, sources, vendored
from monitoring.config import ConfigError
from monitoring.resources import resource_dir

PADDING = Library(
    package="padding",
    version="1.0.0",
    path="dist/padding.min.js",
    sha384="2H73UumJUHAoySpdxiP0Rhesv2GEBpQfl32JUuIIl1DUua2f/+rTC1rw+C1WQsPA",
)
LOCAL = "/static/vendor/padding.min.js?v=1.0.0"
CDN = "https://cdn.jsdelivr.net/npm/padding@1.0.0/dist/padding.min.js"


@pytest.fixture
def static_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A static folder with the local copy of the only library there is."""
    monkeypatch.setattr(assets, "LIBRARIES", (PADDING,))
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / PADDING.file).write_bytes(b"padding")
    return tmp_path


def test_a_local_copy_wins_over_the_cdn(static_dir: Path) -> None:
    assert sources("auto", static_dir, str) == [Source(LOCAL, PADDING.sri, False)]


def test_local_urls_lie_under_the_base_path(static_dir: Path) -> None:
    assert sources("local", static_dir, "/bot".__add__)[0].url == f"/bot{LOCAL}"


def test_the_cdn_can_be_demanded(static_dir: Path) -> None:
    assert sources("cdn", static_dir, str) == [Source(CDN, PADDING.sri, False)]


def test_a_missing_copy_falls_back_to_the_cdn(static_dir: Path) -> None:
    (static_dir / "vendor" / PADDING.file).unlink()

    assert sources("auto", static_dir, str)[0].url == CDN


def test_a_copy_of_another_version_is_not_served(static_dir: Path) -> None:
    (static_dir / "vendor" / PADDING.file).write_bytes(b"padding 1.0.1")

    assert sources("auto", static_dir, str)[0].url == CDN


def test_local_only_without_a_copy_is_an_error(static_dir: Path) -> None:
    (static_dir / "vendor" / PADDING.file).unlink()

    with pytest.raises(ConfigError, match=r"MONITORING_ASSETS=local: expected padding 1\.0\.0 at .*padding\.min\.js"):
        sources("local", static_dir, str)


def test_one_library_speaks_socketio() -> None:
    assert [library.package for library in LIBRARIES if library.is_socketio] == ["socket.io-client"]


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.package)
def test_the_fetched_file_is_the_pinned_one(library: Library) -> None:
    static = resource_dir("static")
    if not (static / "vendor" / library.file).exists():
        pytest.skip("`make vendor` has not fetched it")

    assert vendored(library, static)
    assert library.version in (static / "vendor" / library.file).read_text(encoding="utf-8")
