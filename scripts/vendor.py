"""Fetches the browser libraries from their npm packages into static/vendor/, where they win over the CDN.

Without npm or a network the page loads them from the CDN: that is said, and an error only with `--require`.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from monitoring.assets import LIBRARIES, Library, vendored
from monitoring.resources import PACKAGE
from scripts.programs import find_npm

STATIC = PACKAGE.parent / "static"
NPM_SECONDS = 120


class VendorError(Exception):
    """A library could not be fetched, or is not the one that was pinned."""


def fetch(library: Library) -> bytes:
    npm = find_npm()
    if npm is None:
        raise VendorError("npm was not found")
    with tempfile.TemporaryDirectory() as folder:
        package = f"{library.package}@{library.version}"
        command = [npm, "pack", package, "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=NPM_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise VendorError(f"npm pack took longer than {NPM_SECONDS} s") from error
        except subprocess.CalledProcessError as error:
            raise VendorError(f"npm pack failed: {error.stderr.strip()[-300:]}") from error
        return extract(library, next(Path(folder).glob("*.tgz")))


def extract(library: Library, archive: Path) -> bytes:
    with tarfile.open(archive) as tar:
        member = tar.extractfile(f"package/{library.path}")
        content = member.read() if member else b""
    if not library.matches(content):
        raise VendorError(f"{library.path} is not the pinned file: expected {library.sri}")
    return content


def vendor(library: Library) -> None:
    target = STATIC / "vendor" / library.file
    content = fetch(library)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    print(f"{library.package} {library.version} → {target.relative_to(STATIC.parent)}")


def main(required: bool) -> int:
    try:
        for library in LIBRARIES:
            if not vendored(library, STATIC):
                vendor(library)
    except VendorError as error:
        print(f"{library.package} {library.version}: {error}. The CDN's copy is used.", file=sys.stderr)
        return 1 if required else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(required="--require" in sys.argv[1:]))
