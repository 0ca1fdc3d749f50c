"""The OpenAPI description, made from the same models that check requests and answers.

quart-schema's own provider describes a list as its element and loses nested models of msgspec; and it knows nothing
of who may call what. Both are put right here.
"""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.json import schema_components
from quart import current_app
from quart_schema import DataSource, OpenAPIProvider, hide
from werkzeug.routing.rules import Rule

from monitoring.services import KEY
from monitoring.web.api import (
    alerts,
    balance,
    bots,
    config,
    market,
    metrics,
    partials,
    positions,
    state,
    status,
    trades,
)
from monitoring.web.api.base import blueprint
from monitoring.web.api.shapes import Failure
from monitoring.web.auth import OPERATOR, PUBLIC, public

Json = dict[str, Any]

DESCRIPTION = "monitoring.openapi"
REFERENCE = "#/components/schemas/{name}"
SECURITY_SCHEMES: dict[str, Json] = {
    "token": {"type": "apiKey", "name": "X-Dashboard-Token", "in": "header"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
TAGS = [
    {"name": subject.__name__.rpartition(".")[2], "description": (subject.__doc__ or "").split("\n")[0]}
    for subject in (status, alerts, bots, metrics, balance, positions, trades, market, config, state, partials)
]
BY_TOKEN: list[Json] = [{"token": []}, {"bearer": []}]
FAILURES = {
    "400": "Something in the request cannot be read",
    "401": "The operator's token is needed",
    "403": "Not allowed here",
    "404": "There is no such thing, or this database lacks its table",
    "409": "It does not fit the present state",
    "422": "A value is out of its range",
    "503": "The database cannot be reached",
}


class Provider(OpenAPIProvider):
    """OpenAPI of the API's calls; pages and streams are not among them."""

    def schema(self) -> Json:
        made = super().schema()
        made["components"]["securitySchemes"] = SECURITY_SCHEMES
        made["tags"] = TAGS
        made["servers"] = [{"url": self._app.extensions[KEY].links("") or "/"}]
        return made

    def generate_rules(self) -> Iterable[Rule]:
        return sorted(
            (rule for rule in super().generate_rules() if rule.endpoint.startswith(f"{blueprint.name}.")),
            key=lambda rule: rule.rule,
        )

    def build_paths(self, rule: Rule) -> tuple[Json, Json]:
        paths, components = super().build_paths(rule)
        view = self._app.view_functions[rule.endpoint]
        access = getattr(view, "access", OPERATOR)
        security = self._security(access)
        _, failure = described(Failure)
        for operations in paths.values():
            for operation in operations.values():
                operation["description"] = operation.get("description", "").strip()
                operation["tags"] = [view.__module__.rpartition(".")[2]]
                operation["security"] = security
                answers = {str(status): answer for status, answer in operation["responses"].items()}
                if getattr(view, "html", False):
                    answers["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
                    answers["204"] = {"description": "Nothing of it is new to the page"}
                operation["responses"] = {**_failures(access, operation), **answers}
        return paths, components | failure

    def operation_id(self, method: str, path: str, func: Callable[..., Any]) -> str:
        return func.__name__

    def _security(self, access: str) -> list[Json]:
        if access == PUBLIC:
            return []
        settings = self._app.extensions[KEY].settings
        return BY_TOKEN if access == OPERATOR or settings.protected else [{}, *BY_TOKEN]

    def build_querystring_parameters(self, model: Any) -> tuple[list[Json], Json]:
        _, components = described(model)
        properties = components.pop(model.__name__)["properties"]
        parameters = [
            {"name": name, "in": "query", "required": False, "schema": kind}
            | ({"description": text} if (text := _description(kind)) else {})
            for name, kind in properties.items()
        ]
        return parameters, components

    def build_headers_parameters(self, model: Any) -> tuple[list[Json], Json]:
        parameters, components = self.build_querystring_parameters(model)
        for parameter in parameters:
            parameter["name"] = "-".join(part.capitalize() for part in parameter["name"].split("_"))
            parameter["in"] = "header"
        return parameters, components

    def build_request_body(self, model: Any, source: DataSource) -> tuple[Json, Json]:
        schema, components = described(model)
        return {"required": True, "content": {"application/json": {"schema": schema}}}, components

    def build_response_object(self, model: Any, headers_model: Any) -> tuple[Json, Json]:
        schema, components = described(model)
        text = (getattr(model, "__doc__", "") if isinstance(model, type) else "") or "The answer."
        return {"description": text.splitlines()[0], "content": {"application/json": {"schema": schema}}}, components


def describe() -> Json:
    """OpenAPI of the present application's API, made once."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if DESCRIPTION not in app.extensions:
        app.extensions[DESCRIPTION] = Provider(app, app.extensions["QUART_SCHEMA"]).schema()
    described_api: Json = app.extensions[DESCRIPTION]
    return described_api


def described(model: Any) -> tuple[Json, Json]:
    """The schema of ``model``, and those it refers to by name."""
    (schema,), components = schema_components([model], ref_template=REFERENCE)
    return schema, components


def _description(kind: Json) -> str | None:
    choices = (kind, *kind.get("anyOf", ()))
    return next((choice["description"] for choice in choices if "description" in choice), None)


def _failures(access: str, operation: Json) -> Json:
    possible = set() if access == PUBLIC else {"401", "404", "503"}
    if operation["parameters"] or "requestBody" in operation:
        possible |= {"400", "422"}
    if access == OPERATOR:
        possible |= {"403"}
    if "requestBody" in operation:
        possible |= {"409"}
    schema, _ = described(Failure)
    return {
        status: {"description": FAILURES[status], "content": {"application/json": {"schema": schema}}}
        for status in sorted(possible)
    }


@blueprint.get("/openapi.json")
@public
@hide
async def openapi() -> Json:
    """The description of the API."""
    return describe()
