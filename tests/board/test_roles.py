"""Who may look at the board and who may touch it: it shows the jobs of every baker."""

import asyncio
import re
from typing import Final

import httpx2
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from bakehouse.ledger.roles import Role
from bakehouse.web.board import changing, page, reading, refusing
from tests.board.conftest import API, MONITORING, Board
from tests.web.conftest import BAKER, BROWSER, new_client

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PARAMETER: Final = re.compile(r"\{(\w+)(?::path)?\}")
_VALUES: Final = {"queue": MONITORING.value, "state": "failed"}


def requests_of(*routers: APIRouter) -> list[tuple[str, str]]:
    """Method and path of every route, with something in place of its parameters."""
    return sorted(
        (method, _PARAMETER.sub(lambda found: _VALUES.get(found[1], "x"), route.path))
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    )


READS: Final = requests_of(reading.router, page.router)
CHANGES: Final = requests_of(changing.router, refusing.router)


async def statuses(client: httpx2.AsyncClient, requests: list[tuple[str, str]]) -> set[int]:
    """What a client is answered; bodies are empty, so that nothing is changed by accident."""
    answers = await asyncio.gather(*(client.request(*request) for request in requests))
    return {answer.status_code for answer in answers}


async def test_every_route_is_asked_about() -> None:
    assert len(READS) > 12
    assert len(CHANGES) > 20
    assert ("PUT", f"{API}/queues/{MONITORING}/retry/failed") in CHANGES


async def test_nobody_is_shown_anything(board: Board) -> None:
    async with new_client(board.house.url, {"authorization": "Bearer no"}) as stranger:
        assert await statuses(stranger, READS + CHANGES) == {401}
        led = await stranger.get("/admin/queues", headers=BROWSER)
    assert led.status_code == 303


async def test_a_viewer_sees_all_and_changes_nothing(board: Board) -> None:
    async with await board.token(Role.VIEWER) as viewer:
        assert await statuses(viewer, CHANGES) == {403}
        assert 403 not in await statuses(viewer, READS)
        answer = await viewer.get(f"{API}/queues")
        assert answer.status_code == 200, answer.text
        queues = answer.json()["queues"]

    assert {queue["readOnlyMode"] for queue in queues} == {True}
    assert {queue["allowRetries"] for queue in queues} == {False}


async def test_an_operator_of_all_bakers_may_press_every_button(board: Board) -> None:
    async with await board.token(Role.OPERATOR) as operator:
        refused = [
            (method, path)
            for method, path in CHANGES
            if (await operator.request(method, path)).status_code == 403
        ]
        queues = (await operator.get(f"{API}/queues")).json()["queues"]

    assert refused == requests_of(refusing.router)
    assert {queue["readOnlyMode"] for queue in queues} == {False}


async def test_who_sees_some_bakers_only_sees_no_board(board: Board) -> None:
    async with await board.token(Role.ADMINISTRATOR, frozenset({BAKER})) as client:
        assert await statuses(client, READS + CHANGES) == {403}


async def test_a_refusal_is_told_as_the_page_reads_it(board: Board) -> None:
    async with await board.token(Role.VIEWER) as viewer:
        answer = await viewer.put(f"{API}/queues/pause")

    assert answer.json()["error"] == {"key": "ERRORS.FORBIDDEN"}
    assert "needs the role operator" in answer.json()["message"]
