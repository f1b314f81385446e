"""`bakehouse run` against a node and an indexer: paying, dying, going on."""

from pathlib import Path
from typing import Any

from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import Mode
from bakehouse.opening import utc_now
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from tests.e2e.command_line import Commands, Service, commands_for, eventually, service

#: Two groups in the first cycle, which is soon over; the next one is not.
FAST = SandboxSettings(
    delegator_count=200, blocks_per_cycle=400, block_seconds=0.3, blocks_before_first_turn=3
)


async def _register(commands: Commands, chain: SandboxServer) -> None:
    added = await commands.run(
        *("baker", "add", chain.baker_address),
        f"payout_address={chain.payout_address}",
        *(
            f"first_cycle={FAST.starting_cycle}",
            "payout_delay_cycles=0",
            "confirm_first_cycle=no",
            "mode=on",
        ),
    )
    assert added.code == 0, added.err


async def _enter(commands: Commands, chain: SandboxServer, **settings: Any) -> None:
    """Register without the command, a process of which takes as long as much of the test."""
    defaults = {
        "baker_id": chain.baker_address,
        "network": chain.chain_id,
        "payout_address": chain.payout_address,
        "first_cycle": FAST.starting_cycle,
        "payout_delay_cycles": 0,
        "confirm_first_cycle": False,
        "mode": Mode.ON,
    }
    commands.data_dir.mkdir(mode=0o700)
    ledger = await Ledger.open(f"sqlite:///{commands.data_dir / 'ledger.db'}")
    try:
        async with ledger.write() as tx:
            await bakers.add(tx, Baker(**{**defaults, **settings}), actor="test", at=utc_now())
    finally:
        await ledger.close()


def _applied(chain: SandboxServer) -> list[tuple[str, int]]:
    return [
        (record.destination, record.amount)
        for record in chain.transfers_from(chain.payout_address)
        if record.status == "applied"
    ]


async def _payouts(running: Service, chain: SandboxServer) -> list[dict[str, str]]:
    path = f"/api/bakers/{chain.baker_address}/cycles/{FAST.starting_cycle}/payouts"
    answer = await running.client.get(path, params={"limit": 1000})
    payouts: list[dict[str, str]] = answer.raise_for_status().json()["payouts"]
    return payouts


async def _is_paid(running: Service, chain: SandboxServer) -> bool:
    path = f"/api/bakers/{chain.baker_address}/cycles"
    cycles = (await running.client.get(path)).json()["cycles"]
    return bool(cycles) and all(cycle["state"] == "paid" for cycle in cycles)


async def test_killed_in_the_midst_of_a_cycle_it_goes_on_and_pays_everyone_once(
    tmp_path: Path,
) -> None:
    async with await SandboxServer.start(FAST) as chain:
        commands = commands_for(chain, tmp_path)
        await _register(commands, chain)
        async with service(commands) as first:

            async def has_begun() -> bool:
                await first.trigger_cycle_check(chain.baker_address)
                return bool(_applied(chain))

            await eventually(has_begun, "a first batch is on chain")
            await first.kill()
        async with service(commands) as second:

            async def is_done() -> bool:
                return await _is_paid(second, chain)

            await eventually(is_done, "the cycle is paid")
            payouts = await _payouts(second, chain)
    assert {payout["state"] for payout in payouts} == {"paid"}
    owed = sorted((payout["address"], int(payout["net"])) for payout in payouts)
    assert sorted(_applied(chain)) == owed


async def test_a_node_on_another_chain_is_never_paid_through(tmp_path: Path) -> None:
    async with (
        await SandboxServer.start(FAST) as chain,
        await SandboxServer.start(SandboxSettings(seed=7)) as other,
    ):
        commands = commands_for(chain, tmp_path)
        await _enter(commands, chain)
        commands.environment["BAKEHOUSE_NODE_URLS"] = other.node_url
        async with service(commands) as running:

            async def says_so() -> bool:
                alerts = (await running.client.get("/api/alerts")).json()["alerts"]
                return any(other.chain_id in alert["message"] for alert in alerts)

            await eventually(says_so, "an alert names the other chain")
    assert not _applied(chain)


async def test_an_empty_wallet_keeps_the_cycle_waiting_with_a_reason_and_signs_nothing(
    tmp_path: Path,
) -> None:
    async with await SandboxServer.start(FAST) as chain:
        commands = commands_for(chain, tmp_path)
        # The baker's own address exists, but its key is not here and it holds too little: pay
        # from an address that was never funded.
        key = tmp_path / "empty.key"
        made = await commands.run("key", "new", str(key))
        assert made.code == 0, made.err
        address = made.out.split("key of ")[1].split(",")[0]
        commands.environment["BAKEHOUSE_KEY_FILES"] = str(key)
        await _enter(commands, chain, payment_retries=0, payout_address=address)
        async with service(commands) as running:

            async def is_told() -> bool:
                await running.trigger_cycle_check(chain.baker_address)
                alerts = (await running.client.get("/api/alerts")).json()["alerts"]
                return any("holds 0.000000 tez" in each["message"] for each in alerts)

            await eventually(is_told, "an alert tells that the wallet is empty")
        assert not chain.transfers_from(address)
