"""/api/config: which metrics are shown, and how."""

from typing import Any

import pytest

from monitoring.metrics.catalogue import CATALOGUE


async def get(client: Any) -> Any:
    response = await client.get("/api/config")
    assert response.status_code == 200
    return await response.get_json()


async def test_the_catalogue_is_the_default(client: Any) -> None:
    config = await get(client)
    assert config.keys() == {metric.key for metric in CATALOGUE}
    assert config["current_balance"] == {"enabled": True, "priority": "high", "format": "currency"}
    assert config["rsi"] == {"enabled": True, "priority": "low", "format": "number"}


async def test_changes_are_merged(client: Any, operator: dict[str, str]) -> None:
    for change in (
        {"rsi": {"enabled": False}},
        {"rsi": {"priority": "high"}, "equity": {"format": "number"}},
        {"rsi": {}},
    ):
        response = await client.post("/api/config", json=change, headers=operator)
        assert (response.status_code, await response.get_json()) == (200, {"success": True})
    config = await get(client)
    assert config["rsi"] == {"enabled": False, "priority": "high", "format": "number"}
    assert config["equity"] == {"enabled": True, "priority": "high", "format": "number"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        [],
        {"nonsense": {"enabled": False}},
        {"rsi": {"enabled": False}, "nonsense": {}},
        {"rsi": {"enabled": "perhaps"}},
        {"rsi": {"enabled": None}},
        {"rsi": {"priority": "urgent"}},
        {"rsi": {"format": "<script>"}},
        {"rsi": {"colour": "red"}},
        {"rsi": True},
    ],
)
async def test_nonsense_changes_nothing(client: Any, operator: dict[str, str], change: object) -> None:
    before = await get(client)
    response = await client.post("/api/config", json=change, headers=operator)
    assert response.status_code == 422
    assert (await response.get_json())["error"]["message"]
    assert await get(client) == before
