"""One small file of what must outlive a restart, in the folder MONITORING_STATE_DIR.

The processes of one machine share it: each sees what another one has written.
"""

import fcntl
import os
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class StateError(Exception):
    """The file cannot be read or written; the message names it and says why."""


class StateFile(Generic[T]):
    """``shape`` says what the file holds as JSON; ``empty`` is what an absent file stands for."""

    def __init__(self, path: Path, shape: type[T], empty: T) -> None:
        self._path = path
        self._shape = shape
        self._empty = empty

    @property
    def written(self) -> Hashable:
        """What stays equal until somebody writes the file."""
        try:
            found = self._path.stat()
        except OSError as error:
            return error.errno
        return found.st_ino, found.st_mtime_ns, found.st_size

    def read(self) -> T:
        """Raises StateError."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=self._shape)
        except FileNotFoundError:
            return self._empty
        except OSError as error:
            raise StateError(f"{self._path}: cannot be read ({error.strerror})") from None
        except msgspec.MsgspecError as error:
            raise StateError(f"{self._path}: damaged ({error}); repair it or take it away") from None

    def change(self, change: Callable[[T], T]) -> T:
        """Replaces what the file holds, all at once, while nobody else changes it. Raises StateError."""
        try:
            with self._locked():
                found = change(self.read())
                self._replace(msgspec.json.encode(found))
                return found
        except OSError as error:
            raise StateError(f"{self._path}: cannot be written ({error.strerror})") from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _replace(self, content: bytes) -> None:
        draft = self._path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def is_writable(folder: Path) -> bool:
    """Whether files can be made there, and the folder itself where there is none yet."""
    there = next(part for part in (folder, *folder.absolute().parents) if part.exists())
    return there.is_dir() and os.access(there, os.W_OK)
