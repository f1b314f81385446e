import contextlib
from collections.abc import AsyncIterator

import httpx2
import pytest

from bakehouse.sandbox.hostile.fault import NETWORK_FAULTS, Fault
from bakehouse.sandbox.hostile.network import Manner
from tests.sandbox.hostile_world import HEAD, INJECTION, PAYMENT, HostileWorld, served

HEADER = HEAD + "/header"
#: How each fault that breaks the connection can end a request, and what a client sees of it.
BROKEN = [
    (Fault.REPLY_LOST_AFTER_ACCEPTANCE, Manner.CUT, httpx2.RemoteProtocolError),
    (Fault.REPLY_LOST_AFTER_ACCEPTANCE, Manner.RESET, httpx2.ReadError),
    (Fault.REPLY_LOST_BEFORE_ACCEPTANCE, Manner.CUT, httpx2.RemoteProtocolError),
    (Fault.REPLY_LOST_BEFORE_ACCEPTANCE, Manner.RESET, httpx2.ReadError),
    (Fault.CONNECTION_RESET, Manner.RESET, httpx2.ReadError),
    (Fault.HANG, Manner.SILENCE, httpx2.ReadTimeout),
]
PAGES = [(Fault.HTML_429, 429), (Fault.BAD_GATEWAY, 502)]


@pytest.fixture
async def over_http(world: HostileWorld) -> AsyncIterator[httpx2.AsyncClient]:
    """Ask node-0 over real HTTP, with so little patience that a hang is over at once."""
    async with (
        served(world.sandbox.node_app(0)) as url,
        httpx2.AsyncClient(base_url=url, timeout=httpx2.Timeout(5.0, read=0.2)) as client,
    ):
        yield client


def signed_payment(world: HostileWorld) -> bytes:
    return world.payer.sign(world.payer.group(PAYMENT))


@pytest.mark.parametrize(("fault", "manner", "error"), BROKEN)
async def test_a_broken_connection_is_the_error_that_a_client_knows(
    world: HostileWorld, fault: Fault, manner: Manner, error: type[httpx2.TransportError]
) -> None:
    world.sandbox.inflict(fault, manner=manner)

    with pytest.raises(error):
        await world.inject(signed_payment(world))

    assert (await world.inject(signed_payment(world))).status_code == 200
    assert world.sandbox.struck == {fault: 1}


async def test_a_refused_connection_is_an_error_of_connecting(world: HostileWorld) -> None:
    world.sandbox.inflict(Fault.CONNECTION_RESET, manner=Manner.REFUSED, source="indexer")

    with pytest.raises(httpx2.ConnectError):
        await world.get("/v1/head", "indexer")


@pytest.mark.parametrize(("fault", "manner", "error"), BROKEN)
async def test_a_broken_connection_is_the_same_error_over_http(
    world: HostileWorld,
    over_http: httpx2.AsyncClient,
    fault: Fault,
    manner: Manner,
    error: type[httpx2.TransportError],
) -> None:
    world.sandbox.inflict(fault, manner=manner)

    with pytest.raises(error):
        await over_http.post(INJECTION, json=signed_payment(world).hex())

    assert (await over_http.get(HEADER)).json()["hash"] == world.chain.head.hash
    assert world.sandbox.struck == {fault: 1}


@pytest.mark.parametrize(("fault", "status"), PAGES)
async def test_a_proxy_answers_in_html_and_does_not_say_when_to_come_back(
    world: HostileWorld, over_http: httpx2.AsyncClient, fault: Fault, status: int
) -> None:
    world.sandbox.inflict(fault, times=2)

    for answer in (
        await world.client.get("http://node-0" + HEADER),
        await over_http.get(HEADER),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "text/html"
        assert "retry-after" not in answer.headers
        assert answer.text.startswith("<html>")
    assert (await over_http.get(HEADER)).status_code == 200


@pytest.mark.parametrize(
    ("fault", "how", "is_waiting"),
    [
        (Fault.REPLY_LOST_AFTER_ACCEPTANCE, {}, True),
        (Fault.REPLY_LOST_BEFORE_ACCEPTANCE, {}, False),
        (Fault.CONNECTION_RESET, {}, False),
        (Fault.HTML_429, {}, False),
        (Fault.HANG, {"arrives": True}, True),
        (Fault.HANG, {"arrives": False}, False),
        (Fault.BAD_GATEWAY, {"arrives": True}, True),
        (Fault.BAD_GATEWAY, {"arrives": False}, False),
    ],
)
async def test_an_injection_has_its_effect_only_if_it_arrived(
    world: HostileWorld, fault: Fault, how: dict[str, bool], *, is_waiting: bool
) -> None:
    world.sandbox.inflict(fault, request="POST /injection/operation", **how)

    with contextlib.suppress(httpx2.TransportError):
        await world.inject(signed_payment(world))

    assert bool(await world.waiting()) == is_waiting


async def test_a_fault_strikes_whom_and_what_it_is_meant_for_so_many_times(
    world: HostileWorld,
) -> None:
    world.sandbox.inflict(Fault.HTML_429, source="node-1", request=r"GET .*/header", times=2)

    async def status(source: str, path: str) -> int:
        return (await world.client.get(f"http://{source}{path}")).status_code

    assert await status("node-0", HEADER) == 200
    assert await status("node-1", HEAD + "/hash") == 200
    assert [await status("node-1", HEADER) for _ in range(3)] == [429, 429, 200]


async def test_a_fault_without_number_strikes_until_all_is_healed(world: HostileWorld) -> None:
    for fault in sorted(NETWORK_FAULTS):
        world.sandbox.inflict(fault, request=".*", times=None)
    for _ in range(5):
        with contextlib.suppress(httpx2.TransportError):
            assert (await world.client.get("http://node-0" + HEADER)).status_code != 200

    world.sandbox.heal()

    assert (await world.get(HEADER))["hash"] == world.chain.head.hash


async def test_a_host_that_nobody_serves_cannot_be_reached(world: HostileWorld) -> None:
    with pytest.raises(httpx2.ConnectError):
        await world.get(HEADER, "node-7")


def test_a_fault_is_not_told_what_it_does_not_know(world: HostileWorld) -> None:
    with pytest.raises(TypeError, match="blocks"):
        world.sandbox.inflict(Fault.HANG, blocks=3)
