"""/api/config: which metrics are shown, and how."""

from typing import Any

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
        assert (response.status_code, (await response.get_json())["success"]) == (200, True)
    config = await get(client)
    assert config["rsi"] == {"enabled": False, "priority": "high", "format": "number"}
    assert config["equity"] == {"enabled": True, "priority": "high", "format": "number"}


NONSENSE: tuple[object, ...] = (
    {},
    [],
    {"rsi": {"enabled": "perhaps"}},
    {"rsi": {"enabled": None}},
    {"rsi": {"priority": "urgent"}},
    {"rsi": {"format": "<script>"}},
    {"rsi": True},
)


async def test_nonsense_changes_nothing(client: Any, operator: dict[str, str]) -> None:
    before = await get(client)
    for change in NONSENSE:
        response = await client.post("/api/config", json=change, headers=operator)
        assert (change, response.status_code) == (change, 422)
        assert (await response.get_json())["error"]["message"]
    assert await get(client) == before


async def test_unknown_names_are_ignored(client: Any, operator: dict[str, str]) -> None:
    change = {"nonsense": 5, "btc_price": {"enabled": "perhaps"}, "rsi": {"colour": "red", "priority": "high"}}
    response = await client.post("/api/config", json=change, headers=operator)
    assert (response.status_code, (await response.get_json())["success"]) == (200, True)
    config = await get(client)
    assert config.keys() == {metric.key for metric in CATALOGUE}
    assert config["rsi"] == {"enabled": True, "priority": "high", "format": "number"}


async def test_what_is_disabled_is_absent_from_the_metrics(client: Any, operator: dict[str, str]) -> None:
    await client.post("/api/config", json={"rsi": {"enabled": False}}, headers=operator)
    for path, part in (("/api/metrics", None), ("/api/dashboard/state", "metrics")):
        answer = await (await client.get(path)).get_json()
        metrics = answer[part] if part else answer
        assert metrics.keys() == {metric.key for metric in CATALOGUE if metric.key != "rsi"} | {"reasons"}
        assert "rsi" not in metrics["reasons"]
    await client.post("/api/config", json={"rsi": {"enabled": True}}, headers=operator)
    assert "rsi" in await (await client.get("/api/metrics")).get_json()
