"""/api/config: what is changed is kept in MONITORING_STATE_DIR, for every process that shares the folder."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from monitoring.app import create_app
from monitoring.config import load_settings, notices

HIDDEN = {"rsi": {"enabled": False}}
FILE = "metrics.json"


@asynccontextmanager
async def started(environ: dict[str, str], folder: Path | None) -> AsyncIterator[Any]:
    own = {"MONITORING_STATE_DIR": str(folder)} if folder else {}
    app = create_app(load_settings({**environ, **own}))
    async with app.test_app():
        yield app.test_client()


async def post(client: Any, headers: dict[str, str], change: object = HIDDEN) -> tuple[int, Any]:
    response = await client.post("/api/config", json=change, headers=headers)
    return response.status_code, await response.get_json()


async def is_shown(client: Any, metric: str = "rsi") -> bool:
    """As the settings say and the metrics are sent."""
    said = (await (await client.get("/api/config")).get_json())[metric]["enabled"]
    sent = metric in await (await client.get("/api/metrics")).get_json()
    assert said == sent
    return bool(said)


async def test_a_change_outlives_a_restart(environ: dict[str, str], tmp_path: Path, operator: dict[str, str]) -> None:
    folder = tmp_path / "made" / "when needed"
    async with started(environ, folder) as client:
        assert await post(client, operator) == (200, {"success": True, "kept": True, "note": None})
    async with started(environ, folder) as client:
        assert not await is_shown(client)


async def test_others_that_share_the_folder_take_it_up(
    environ: dict[str, str], tmp_path: Path, session: int, operator: dict[str, str]
) -> None:
    async with started(environ, tmp_path) as one, started(environ, tmp_path) as other:
        assert await is_shown(other)
        await asyncio.gather(post(one, operator), post(other, operator, {"equity": {"enabled": False}}))
        for client in (one, other):
            assert not await is_shown(client)
            assert not await is_shown(client, "equity")
        await post(other, operator, {"rsi": {"enabled": True}})
        assert await is_shown(one)


async def test_without_a_folder_the_answer_says_how_long_it_holds(
    environ: dict[str, str], operator: dict[str, str]
) -> None:
    async with started(environ, None) as client:
        status, answer = await post(client, operator)
        assert (status, answer["success"], answer["kept"]) == (200, True, False)
        assert "until this process ends" in answer["note"]
        assert "MONITORING_STATE_DIR" in answer["note"]
        assert not await is_shown(client)
    async with started(environ, None) as client:
        assert await is_shown(client)


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"rsi": {"enabled": "perhaps"}}', b"\xff"])
async def test_a_damaged_file_is_said_and_nothing_is_lost(
    environ: dict[str, str],
    tmp_path: Path,
    operator: dict[str, str],
    damage: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with started(environ, tmp_path) as client:
        await post(client, operator)
        (tmp_path / FILE).write_bytes(damage)
        with caplog.at_level(logging.WARNING):
            assert not await is_shown(client)
        assert f"{tmp_path / FILE}: damaged" in caplog.text
        status, answer = await post(client, operator, {"rsi": {"enabled": True}})
        assert (status, answer["error"]["code"]) == (409, "not_kept")
        assert f"{tmp_path / FILE}: damaged" in answer["error"]["message"]
        assert not await is_shown(client)
        assert (tmp_path / FILE).read_bytes() == damage
    async with started(environ, tmp_path) as client:
        assert await is_shown(client)


async def test_a_folder_that_cannot_be_written_to_is_said(
    environ: dict[str, str], tmp_path: Path, operator: dict[str, str]
) -> None:
    folder = tmp_path / "a file"
    folder.write_text("not a folder")
    (notice,) = notices(load_settings({**environ, "MONITORING_STATE_DIR": str(folder)}))
    assert notice == f"MONITORING_STATE_DIR={folder}: expected a folder that can be written to"
    async with started(environ, folder) as client:
        status, answer = await post(client, operator)
        assert (status, answer["error"]["code"]) == (409, "not_kept")
        assert f"{folder / FILE}: cannot be written" in answer["error"]["message"]
        assert await is_shown(client)
