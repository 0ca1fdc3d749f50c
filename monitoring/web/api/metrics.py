"""All metrics at once."""

from quart import Response
from quart_schema import document_response, validate_querystring

from monitoring.payloads import Payload, empty_metrics, metrics_payload
from monitoring.sections import Context
from monitoring.services import services
from monitoring.web.api.base import blueprint, read
from monitoring.web.api.queries import ScopeQuery
from monitoring.web.api.shapes import Metrics
from monitoring.web.auth import reading

NO_SESSION = "no trading session yet"


@blueprint.get("/api/metrics")
@reading
@validate_querystring(ScopeQuery)
@document_response(Metrics)
async def get_metrics(query_args: ScopeQuery) -> Payload | Response:
    """Every metric of the dashboard, in one flat object, and the reason for each that is unknown."""

    async def load(context: Context) -> Payload | Response:
        evaluation = services().reader.evaluation(context.facts)

        async def make() -> Payload:
            return metrics_payload(evaluation)

        return await services().answers.get(("metrics", context.scope.session.id), evaluation, make)

    return await read(query_args.scope, load, empty_metrics(NO_SESSION, services().reader.shown.enabled))
