"""How many blocks paying a cycle takes, against the fewest that hold it, and how many calls.

Run it with `python bench/blocks.py`, or with other numbers of delegators as arguments:
`python bench/blocks.py 60000`. The chain is the simulated one, in this process, and a block is
baked after each step. It exits 1 above a limit.

The bound of a chain is counted from what its transfers consume, margins left out: the blocks that
hold them when each is filled to its last unit of gas, or each group to its last byte, with what
others leave. What TezPay asks of nodes and indexer for as many payees is 8 calls one after another
for each 50, with some more a cycle (its source, June 2026).
"""

import asyncio
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import structlog

from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import Mode
from bakehouse.payments.advance import advance
from bakehouse.payments.due import note_due_cycles
from bakehouse.payments.payer import Payer
from bakehouse.payments.step import Step
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.crowd import NOBODY, Crowd
from bakehouse.sandbox.hostile.sandbox import HostileSandbox
from bakehouse.sandbox.protocol import (
    GAS_LIMIT_PER_BLOCK_MAX,
    MILLIGAS_PER_GAS,
    OPERATION_SIZE_MAX,
)
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.signer import LocalSigner
from bakehouse.tezos.transport import JsonSource
from bakehouse.tezos.tzkt import TzktClient

#: A position in the cycle at which the one before is final.
FINAL_POSITION = 3
#: Numbers of delegators that are measured unless told.
SIZES = (60, 1_000, 1_303, 10_000)
#: TezPay's calls for so many payees, one after another (docs: Coming from TezPay).
TEZPAY_CALLS = {60: 70, 1_303: 300, 60_000: 11_400}
CROWDS = {
    "idle": NOBODY,
    "half full": Crowd(gas_percent=(50, 50), bytes_percent=(20, 20)),
    "25-75 %": Crowd(gas_percent=(25, 75), bytes_percent=(10, 50)),
}
#: Blocks used over the bound. Where blocks vary, the bound is one that nobody can know before.
LIMITS = {"idle": 1.05, "half full": 1.1, "25-75 %": 2.2}
CALLS_LIMIT = 1.0
BLOCK_SECONDS = 6


@dataclass(slots=True)
class Counted(httpx2.AsyncBaseTransport):
    """The way to node and indexer, with what was asked and the time that they took."""

    network: httpx2.AsyncBaseTransport
    calls: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask, and count."""
        began = time.process_time()
        try:
            return await self.network.handle_async_request(request)
        finally:
            self.seconds += time.process_time() - began
            self.calls[request.url.host] += 1
            self.kinds[f"{request.url.host} {_kind(request.url.path)}"] += 1


def _kind(path: str) -> str:
    named = [part for part in path.split("/") if part.islower() or part.startswith("v")]
    return "/".join(named[-3:])


async def measure(delegators: int, crowd: Crowd) -> dict[str, Any]:
    """Pay one cycle, and give the figures by name."""
    settings = SandboxSettings(
        delegator_count=delegators,
        blocks_per_cycle=8,
        blocks_before_first_turn=1,
        block_seconds=BLOCK_SECONDS,
        crowd=crowd,
    )
    async with due_cycle(settings) as (payer, sandbox, way):
        return await _pay(payer, sandbox, way)


@asynccontextmanager
async def due_cycle(
    settings: SandboxSettings,
) -> AsyncIterator[tuple[Payer, HostileSandbox, Counted]]:
    """Give a payer whose first cycle is due, its chain, and the way between them."""
    chain = Chain(settings)
    sandbox = HostileSandbox(chain, seed=0, node_count=1)
    way = Counted(sandbox.transport())
    with tempfile.TemporaryDirectory() as folder:
        ledger = await Ledger.open(f"sqlite:///{folder}/ledger.db")
        async with httpx2.AsyncClient(transport=way) as client:
            payer = _payer(ledger, sandbox, client)
            await _register(payer, chain)
            while chain.head.level % settings.blocks_per_cycle != FINAL_POSITION:
                sandbox.bake()
            yield payer, sandbox, way


async def pay_in_full(
    payer: Payer, sandbox: HostileSandbox, way: Counted
) -> tuple[Step, list[float]]:
    """Pay the due cycle, a block after each step; gives the last one, and what each took of a core.

    What the simulated chain itself took is left out.
    """
    (key,) = (await note_due_cycles(payer, sandbox.chain.world.baker)).due
    steps: list[float] = []
    while True:
        began, answering = time.process_time(), way.seconds
        step = await advance(payer, key)
        steps.append(time.process_time() - began - (way.seconds - answering))
        if step.wait_seconds is None:
            break
        sandbox.bake()
    assert step.is_settled, step
    assert step.paid == step.total, step
    return step, steps


async def _pay(payer: Payer, sandbox: HostileSandbox, way: Counted) -> dict[str, Any]:
    chain = sandbox.chain
    first_level = chain.head.level + 1
    step, steps = await pay_in_full(payer, sandbox, way)
    blocks = [block for block in chain.simulated_blocks(first_level) if block.operations]
    receipts = [each for block in blocks for group in block.operations for each in group.receipts]
    milligas = sum(each.consumed_milligas for each in receipts)
    free = [
        GAS_LIMIT_PER_BLOCK_MAX - sum(other.gas_limit for other in block.others)
        for block in chain.simulated_blocks(first_level)
    ]
    size = sum(group.signed.size for block in blocks for group in block.operations)
    bound = max(_blocks_for(milligas, free), -(-size // OPERATION_SIZE_MAX))
    used = blocks[-1].level - first_level + 1
    steps.sort()
    memory_unit = 1 if sys.platform == "darwin" else 1024
    return {
        "payees": step.total,
        "groups": sum(len(block.operations) for block in blocks),
        "blocks": used,
        "bound": bound,
        "node": way.calls["node-0"],
        "indexer": way.calls["indexer"],
        "step_median": steps[len(steps) // 2],
        "step_max": steps[-1],
        "cpu": sum(steps),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * memory_unit / 1e6,
        "kinds": dict(way.kinds.most_common()),
    }


def _blocks_for(milligas: int, free: list[int]) -> int:
    """Count the blocks that so much gas fills, beside what others had in them."""
    left = milligas
    for count, gas in enumerate(free, 1):
        left -= gas * MILLIGAS_PER_GAS
        if left <= 0:
            return count
    raise AssertionError("it was paid in less than it takes")


def _payer(ledger: Ledger, sandbox: HostileSandbox, client: httpx2.AsyncClient) -> Payer:
    chain_id = sandbox.chain.chain_id
    node = NodeClient(
        [JsonSource("http://node-0", client)],
        chain_id=chain_id,
        now=sandbox.now,
        head_age_seconds_max=600,
    )
    indexer = TzktClient([JsonSource("http://indexer", client)], chain_id=chain_id)
    signers = Keyring([LocalSigner(sandbox.chain.world.payout_key)])
    return Payer(ledger, node, indexer, signers, sandbox.now)


async def _register(payer: Payer, chain: Chain) -> None:
    async with payer.ledger.write() as tx:
        baker = Baker(
            baker_id=chain.world.baker,
            network=chain.chain_id,
            payout_address=chain.world.payout_key.public_key.address,
            first_cycle=chain.settings.starting_cycle,
            mode=Mode.ON,
            payout_delay_cycles=0,
            confirm_first_cycle=False,
        )
        await bakers.add(tx, baker, actor="bench", at=payer.clock())


def _in_a_process_of_its_own(delegators: int, crowd: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", str(delegators), crowd]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - this file
    figures: dict[str, Any] = json.loads(output.splitlines()[-1])
    return figures


def main(sizes: list[int]) -> int:
    is_above = False
    print(
        f"{'chain':10} {'payees':>7} {'groups':>6} {'blocks':>6} {'bound':>6} {'of it':>6} "
        f"{'node':>6} {'indexer':>7} {'TezPay':>7} {'of it':>6} {'s/step':>7} {'most':>6} {'MB':>5}"
    )
    for delegators in sizes:
        for crowd, limit in LIMITS.items():
            figures = _in_a_process_of_its_own(delegators, crowd)
            ratio = figures["blocks"] / figures["bound"]
            calls = figures["node"] + figures["indexer"]
            theirs = TEZPAY_CALLS.get(delegators)
            against = f"{theirs:7} {calls / theirs:6.0%}" if theirs else f"{'':14}"
            print(
                f"{crowd:10} {figures['payees']:7} {figures['groups']:6} {figures['blocks']:6} "
                f"{figures['bound']:6} {ratio:6.2f} {figures['node']:6} {figures['indexer']:7} "
                f"{against} {figures['step_median']:7.2f} {figures['step_max']:6.2f} "
                f"{figures['megabytes']:5.0f}",
                flush=True,
            )
            # Of few blocks, one more is no sign of anything.
            is_above |= figures["blocks"] > max(limit * figures["bound"], figures["bound"] + 1)
            is_above |= theirs is not None and calls > CALLS_LIMIT * theirs
            # The longest step makes the plan, once; the others have a block's time.
            is_above |= figures["step_median"] > BLOCK_SECONDS
    return int(is_above)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(asyncio.run(measure(int(sys.argv[2]), CROWDS[sys.argv[3]]))))
    else:
        sys.exit(main([int(each) for each in sys.argv[1:]] or list(SIZES)))
