"""Addresses within the dashboard. Here alone the sub-path is put in front that it is served under."""

from collections.abc import Mapping
from urllib.parse import urlencode

from monitoring.scope import DEFAULT_RANGE, Scope


class Links:
    """Addresses that keep the scope and the range of the page they stand on. ``root`` is "" or as "/monitoring"."""

    def __init__(self, root: str, kept: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._kept = kept or {}

    def within(self, scope: Scope | None) -> "Links":
        """Those of a page that shows ``scope``."""
        if scope is None:
            return self
        name, _, value = str(scope.key).partition("=")
        return Links(self._root, {name: value, "range": scope.range})

    def __call__(self, path: str, **parameters: str | int | None) -> str:
        """``path`` under the root, with ``parameters`` over the kept ones; None drops one, session=None any scope."""
        return self._root + self.local(path, **parameters)

    def local(self, path: str, **parameters: str | int | None) -> str:
        """The same without the root, as forms of ours name a page."""
        query = self.fields(**parameters)
        return path + (f"?{urlencode(query)}" if query else "")

    def path(self, path: str) -> str:
        """``path`` under the root, for forms whose fields are the query."""
        return self._root + path

    def fields(self, **parameters: str | int | None) -> dict[str, str | int]:
        """What stands in the query: the hidden fields of a form that leads to a page."""
        wanted = {**self._kept, **({"bot": None} if "session" in parameters else {}), **parameters}
        return {key: value for key, value in wanted.items() if value is not None and not _default(key, value)}


def _default(key: str, value: object) -> bool:
    return (key, value) in (("session", "current"), ("range", DEFAULT_RANGE))
