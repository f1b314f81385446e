import signal
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from bakehouse.errors import SettingError
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings


async def streamed_levels(server: SandboxServer, count: int) -> list[int]:
    levels: list[int] = []
    async with (
        httpx2.AsyncClient(base_url=server.node_url) as http,
        http.stream("GET", "/monitor/heads/main") as stream,
    ):
        async for _ in stream.aiter_lines():
            levels.append(server.chain.head.level)
            if len(levels) == count:
                break
    return levels


async def test_blocks_are_baked_by_the_clock_until_paused_and_again_when_resumed() -> None:
    async with await SandboxServer.start(SandboxSettings(block_seconds=0.01)) as server:
        levels = await streamed_levels(server, 3)
        assert levels[-1] > levels[0]

        server.pause()
        paused = server.chain.head.level
        assert server.bake().level == paused + 1

        server.resume()
        assert (await streamed_levels(server, 2))[-1] > paused + 1


async def test_blocks_carry_the_time_of_the_machine(server: SandboxServer) -> None:
    async with httpx2.AsyncClient(base_url=server.node_url) as http:
        server.bake()
        header = (await http.get("/chains/main/blocks/head/header")).json()

    age = datetime.now(UTC) - datetime.fromisoformat(header["timestamp"])
    assert 0 <= age.total_seconds() < 60


async def test_a_server_that_stopped_answers_no_more(server: SandboxServer) -> None:
    await server.stop()

    async with httpx2.AsyncClient(base_url=server.node_url) as http:
        with pytest.raises(httpx2.ConnectError):
            await http.get("/version")


async def test_a_server_takes_the_port_it_is_given_and_not_one_that_is_taken(
    server: SandboxServer,
) -> None:
    port = int(server.node_url.rpartition(":")[2])

    with pytest.raises(OSError, match="in use"):
        await SandboxServer.start(SandboxSettings(block_seconds=None), port=port)


async def test_two_servers_are_two_chains() -> None:
    async with (
        await SandboxServer.start(SandboxSettings(seed=1, block_seconds=None)) as one,
        await SandboxServer.start(SandboxSettings(seed=2, block_seconds=None)) as other,
    ):
        assert one.chain_id != other.chain_id
        assert one.node_url != other.node_url
        assert one.baker_address != other.baker_address
        assert one.payout_address == one.payout_secret_key.public_key.address


async def test_the_delay_between_blocks_is_announced_in_whole_seconds() -> None:
    delays = {}
    for block_seconds in (None, 0.2, 1.0, 6.0):
        settings = SandboxSettings(block_seconds=block_seconds)
        async with (
            await SandboxServer.start(settings) as server,
            httpx2.AsyncClient(base_url=server.node_url) as http,
        ):
            answer = await http.get("/chains/main/blocks/head/context/constants")
            delays[block_seconds] = answer.json()["minimal_block_delay"]

    assert delays == {None: "1", 0.2: "1", 1.0: "1", 6.0: "6"}


async def test_signals_are_left_to_the_process(server: SandboxServer) -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with httpx2.AsyncClient(base_url=server.node_url) as http:
        await http.get("/version")

    assert signal.getsignal(signal.SIGTERM) is before is signal.SIG_DFL


@pytest.mark.parametrize(
    "settings",
    [
        {"delegator_count": -1},
        {"blocks_per_cycle": 0},
        {"block_seconds": 0},
        {"blocks_before_first_turn": 30},
        {"blocks_before_first_turn": -1},
        {"first_cycle": 0},
        {"first_cycle": 3, "replay": {"cycle": 5}},
        {"replay": {}},
    ],
)
def test_settings_that_make_no_chain_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=r"^sandbox: "):
        SandboxSettings(**settings)


@pytest.mark.parametrize("count", [0, 1])
async def test_a_chain_with_hardly_any_delegators_turns_its_cycle(count: int) -> None:
    settings = SandboxSettings(
        delegator_count=count, block_seconds=None, blocks_per_cycle=2, blocks_before_first_turn=1
    )
    async with (
        await SandboxServer.start(settings) as server,
        httpx2.AsyncClient(base_url=server.indexer_url) as http,
    ):
        for _ in range(8):
            server.bake()
        answer = await http.get(f"/v1/rewards/split/{server.baker_address}/1402")

    assert answer.json()["delegatorsCount"] <= count
    assert answer.json()["futureBlocks"] == 0
