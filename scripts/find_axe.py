"""Finds axe-core, which tests run in a page to check it for accessibility."""

from pathlib import Path

from monitoring.assets import Library
from monitoring.resources import PACKAGE
from scripts.vendor import VendorError, fetch

AXE = Library(
    package="axe-core",
    version="4.14.1",
    path="axe.min.js",
    sha384="xt1SFg49QaDwsyt0Xfs2XAyBtYPClXl3X2q5OOLeGAUmq9jZTYIMdztpF99WdhiH",
)
FILE = PACKAGE.parent / "build" / AXE.file


def find_axe() -> str | None:
    """The path of its script, fetched by npm if it is not there; None where it cannot be had."""
    if not _is_there(FILE):
        try:
            content = fetch(AXE)
        except VendorError:
            return None
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_bytes(content)
    return str(FILE)


def _is_there(file: Path) -> bool:
    return file.is_file() and AXE.matches(file.read_bytes())
