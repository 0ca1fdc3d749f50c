"""Where the templates, partials and static files lie: beside the package in a checkout, inside a wheel's."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
NAMES = ("templates", "partials", "static")


def resource_dir(name: str) -> Path:
    if name not in NAMES:
        raise ValueError(f"resource_dir({name!r}): expected one of {', '.join(NAMES)}")
    # The packaged copy first: an installed package lies in site-packages, where "static" may be anybody's.
    places = (PACKAGE / "_web" / name, PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"resource_dir({name!r}): no such folder, looked in {places[0]} and {places[1]}")
