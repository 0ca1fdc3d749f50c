"""All metrics at once."""

from quart import Response

from monitoring.payloads import Payload, empty_metrics, metrics_payload
from monitoring.sections import Context
from monitoring.services import services
from monitoring.web.api.base import call, read
from monitoring.web.api.queries import ScopeQuery
from monitoring.web.api.shapes import Metrics

NO_SESSION = "no trading session yet"


@call("/api/metrics", Metrics, ScopeQuery, checked=False)
async def get_metrics(query_args: ScopeQuery) -> Payload | Response:
    """Every metric of the dashboard, in one flat object, and the reason for each that is unknown."""

    async def load(context: Context) -> Payload | Response:
        evaluation = services().reader.evaluation(context.facts)

        async def make() -> Payload:
            return metrics_payload(evaluation)

        return await services().answers.get(("metrics", context.scope.session.id), evaluation, make)

    return await read(query_args.scope, load, empty_metrics(NO_SESSION, services().reader.shown.enabled))
