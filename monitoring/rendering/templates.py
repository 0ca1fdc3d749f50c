"""Templates to HTML: the environment, its filters, and the names that every page and partial may use."""

import asyncio
from dataclasses import replace
from functools import cache

from jinja2 import DictLoader, Environment, StrictUndefined
from quart import Response, g, request, session

from monitoring.assets import sources
from monitoring.clock import MAX_CLOCK_SKEW, Clock
from monitoring.config import Settings
from monitoring.formatting import FILTERS, utc_days
from monitoring.links import Links
from monitoring.metrics.codes import in_words
from monitoring.presentation import present, presented
from monitoring.rendering.fragments import View
from monitoring.rendering.preferences import presentation, theme
from monitoring.resources import resource_dir
from monitoring.scope import RANGES, Scope
from monitoring.sections import Section
from monitoring.sections.pages import TABS
from monitoring.version import VERSION


@cache
def make_environment() -> Environment:
    """Pages under their own name, partials under ``partials/``; everything escaped, unknown names refused.

    Applications in one process share it: compiling the templates takes longer than anything else at their start.
    """
    environment = Environment(
        loader=DictLoader(_read("templates") | _read("partials", "partials/")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS, in_words=in_words)
    environment.globals.update(
        tabs=TABS,
        ranges=tuple(RANGES),
        MAX_CLOCK_SKEW=MAX_CLOCK_SKEW,
        utc_days=utc_days,
    )
    return environment


def _read(folder: str, prefix: str = "") -> dict[str, str]:
    """All templates of a folder, read at once: those of a newer version may replace the files while this one runs."""
    return {f"{prefix}{path.name}": path.read_text(encoding="utf-8") for path in resource_dir(folder).glob("*.html")}


class SectionRenderer:
    """Makes the HTML of one section."""

    def __init__(self, environment: Environment, links: Links) -> None:
        self._environment = environment
        self._links = links

    def __call__(self, section: Section, scope: Scope, view: View) -> str:
        template = self._environment.get_template(f"partials/{section.name}.html")
        link = self._links.within(scope)
        with presented(replace(present(), currency=view.currency)):
            return template.render(
                section=section,
                view=view,
                data=view.data,
                now=view.now,
                scope=scope,
                link=link,
            )


class Pages:
    """Whole pages."""

    def __init__(self, settings: Settings, environment: Environment, links: Links, clock: Clock) -> None:
        self._settings = settings
        self._links = links
        self._clock = clock
        self._environment = environment
        self.libraries: list[tuple[str, str | None, bool]] = list(
            sources(settings.assets, resource_dir("static"), links)
        )

    def info(self) -> dict[str, object]:
        """What every page shows of the application and of its viewer."""
        how = presentation()
        return {
            "demo": self._settings.demo,
            "signed_in": bool(getattr(g, "operator", False)) and "operator" in session,
            "by_reader": "Sec-Fetch-Mode" not in request.headers or "Sec-Fetch-User" in request.headers,
            "theme": theme(),
            "zone": how.zone,
            "hide_amounts": how.hide_amounts,
            "version": VERSION,
            "libraries": self.libraries,
            "now": self._clock.now(),
            "behind": bool(getattr(g, "behind", False)),
            "url": self._links,
        }

    async def compile(self) -> None:
        """Compiles all templates, which the first pages would have to wait for; others get their turn in between."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)
            await asyncio.sleep(0)

    def page(self, template: str, scope: Scope | None = None, **values: object) -> Response:
        """A page from ``templates/``, never cached: it shows an account."""
        with presented(presentation()):
            html = self._environment.get_template(template).render(
                page=self.info(), scope=scope, link=self._links.within(scope), **values
            )
        return Response(html, content_type="text/html; charset=utf-8")

    def error(self, status: int, message: str) -> Response:
        title = {401: "Sign in", 403: "Not allowed", 404: "Not found", 503: "Database away"}.get(status, "Error")
        response = self.page("error.html", status=status, title=title, message=message)
        response.status_code = status
        return response
