"""The examples, run."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from longwire import WebSocketClient
from tests.serving import SECRET, serving


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The FastAPI example, imported again with a secret that the test knows."""
    monkeypatch.setenv("LONGWIRE_SECRET", SECRET)
    monkeypatch.delitem(sys.modules, "examples.fastapi_app", raising=False)
    return vars(importlib.import_module("examples.fastapi_app"))


@pytest.fixture
async def http(shop: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(shop["app"]) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        token = (await http.post("/login/ada")).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


@pytest.fixture
async def client(shop: dict[str, Any], http: httpx.AsyncClient) -> AsyncIterator[WebSocketClient]:
    url, contract = str(http.base_url), shop["server"].contract
    token = http.headers["Authorization"].removeprefix("Bearer ")
    async with WebSocketClient(url, token=token, contract=contract) as client:
        yield client


async def test_shoppers_see_the_stock(
    shop: dict[str, Any], http: httpx.AsyncClient, client: WebSocketClient
) -> None:
    seen: asyncio.Queue[Any] = asyncio.Queue()
    client.on(shop["StockChanged"], seen.put_nowait)
    for product, count in [("tea", 9), ("tea", 5), ("milk", 2)]:
        response = await http.put(f"/shops/corner/{product}", params={"count": count})
        assert response.status_code == 200, response.text

    await client.join_room("shop:corner")
    answer = await client.call(shop["Reservation"](shop="corner", product="tea", count=2))
    refusal = await client.call(shop["Reservation"](shop="corner", product="milk", count=3))

    assert answer == {"ok": True, "left": 3}
    assert refusal["error"]["code"] == "sold_out"
    stock = [await seen.get() for _ in range(3)]
    assert [(event.product, event.count) for event in stock] == [
        ("tea", 5),
        ("milk", 2),
        ("tea", 3),
    ]


async def test_a_report_is_a_job(http: httpx.AsyncClient) -> None:
    started = await http.post("/reports", params={"topic": "tea", "seconds": 0})
    job_id = started.json()["jobId"]

    async with asyncio.timeout(5):
        while not (state := (await http.get(f"/api/jobs/{job_id}")).json())["isComplete"]:
            pass

    assert state["status"] == "completed"
    assert state["owner"] == "ada"
    assert "".join(chunk["text"] for chunk in state["output"]).count("more about tea") == 5


async def test_strangers_start_nothing(http: httpx.AsyncClient) -> None:
    response = await http.post(
        "/reports", params={"topic": "tea"}, headers={"Authorization": "Bearer nonsense"}
    )

    assert response.status_code == 401
