"""The calls that tests ask, and how."""

from typing import Any

SCOPED = (
    "/api/status",
    "/api/alerts",
    "/api/metrics",
    "/api/balance",
    "/api/balance/history",
    "/api/positions",
    "/api/trades",
    "/api/partial-trades",
    "/api/pending-orders",
    "/api/performance",
    "/api/system/status",
    "/api/dashboard/state",
)
UNSCOPED = ("/api/correlation/matrix", "/api/correlation/exposures", "/api/config")


async def get(client: Any, path: str, **headers: str) -> Any:
    response = await client.get(path, headers=headers)
    assert response.status_code == 200, await response.get_data(as_text=True)
    return await response.get_json()
