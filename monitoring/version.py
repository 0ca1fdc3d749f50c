"""Which version of the dashboard this is."""

from importlib.metadata import PackageNotFoundError, version


def _version() -> str:
    try:
        return version("monitoring-dashboard")
    except PackageNotFoundError:
        return "source"


VERSION = _version()
