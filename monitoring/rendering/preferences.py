"""What a reader chose for this browser, as its cookies tell: theme, time zone, amounts hidden."""

import re
from functools import cache

from quart import request

from monitoring.presentation import DEFAULT_ZONE, Presentation, zones

THEMES = ("auto", "light", "dark")
THEME, ZONE, AMOUNTS = "theme", "zone", "amounts"
"""Names of the cookies."""
HIDE = "hide"
ZONE_SHAPE = re.compile(r"[A-Za-z0-9_+/-]{1,40}", re.ASCII)
"""Of the name of a zone, before anybody looks for it."""


def theme() -> str:
    """One of THEMES."""
    chosen = request.cookies.get(THEME, "")
    return chosen if chosen in THEMES else THEMES[0]


def presentation() -> Presentation:
    """How figures and times are written."""
    zone = request.cookies.get(ZONE, DEFAULT_ZONE)
    return Presentation(request.cookies.get(AMOUNTS) == HIDE, zone if is_zone(zone) else DEFAULT_ZONE)


def is_zone(name: str) -> bool:
    """Whether this machine knows a zone of that name."""
    return ZONE_SHAPE.fullmatch(name) is not None and name in known_zones()


@cache
def known_zones() -> frozenset[str]:
    """Names of the IANA database."""
    return zones()
