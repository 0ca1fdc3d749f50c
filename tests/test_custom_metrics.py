"""A metric that the operator adds is shown everywhere."""

from typing import Any

import asyncpg

from monitoring.app import create_app
from monitoring.config import load_settings
from monitoring.metrics.catalogue import CATALOGUE, Metric
from tests.history import seed_account


async def test_a_metric_of_ones_own(connection: asyncpg.Connection, database_url: str) -> None:
    await seed_account(connection)
    mine = Metric(
        "fees_paid", "Fees paid", "money", "custom", "All commissions", "trades", "low", lambda facts: facts.trades.fees
    )
    app = create_app(load_settings({"DATABASE_URL": database_url}), (*CATALOGUE, mine))
    async with app.test_app():
        client: Any = app.test_client()
        assert (await (await client.get("/api/metrics")).get_json())["fees_paid"] == 40
        assert "fees_paid" in await (await client.get("/api/config")).get_json()
        for path in ("/", "/partials/custom", "/explain"):
            page = await client.get(path, headers={"Accept": "text/html"})
            assert "Fees paid" in await page.get_data(as_text=True), path
