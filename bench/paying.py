"""Planning and paying a cycle: time, memory, and what the chain takes for each payout.

Run it with `python -m bench.paying [DELEGATORS…]`; unless told, 1,000 and 10,000. It exits 1 above
a limit. The chain is the simulated one, in this process, and a block is baked after each step.

Paying takes blocks, so its time is that of the blocks; the fewest are those that the gas of all
transfers fills to the last unit. The protocol's minimum is what a node asks of an operation whose
gas limits are exactly what it consumed. What others pay is the median of those recorded on mainnet.
"""

import asyncio
import json
import logging
import resource
import statistics
import subprocess
import sys
from fractions import Fraction
from typing import Any, Final

import structlog

from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.hostile.sandbox import HostileSandbox
from bakehouse.sandbox.protocol import (
    GAS_LIMIT_PER_BLOCK_MAX,
    MILLIGAS_PER_GAS,
    OPERATION_SIZE_MAX,
)
from bakehouse.sandbox.receipt import IncludedGroup
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.sandbox.validation import (
    MINIMAL_FEES,
    MINIMAL_NANOTEZ_PER_BYTE,
    MINIMAL_NANOTEZ_PER_GAS_UNIT,
)
from bakehouse.tezos.fees import FeeFilter, minimum_fee
from bakehouse.tezos.operation import Transaction
from bench.blocks import BLOCK_SECONDS, Counted, due_cycle, pay_in_full
from bench.figures import keep

SIZES: Final = (1_000, 10_000)
#: Mutez a payout, the median of those recorded on mainnet.
NETWORK_MEDIAN: Final = 477
#: Blocks over the fewest, seconds of planning over a block's, fees over the protocol's minimum.
LIMITS: Final = {"of_fewest": 1.05, "plan_of_a_block": 2.0, "of_minimum": 1.1}
FILTER: Final = FeeFilter(
    Mutez(MINIMAL_FEES),
    Fraction(MINIMAL_NANOTEZ_PER_GAS_UNIT),
    Fraction(MINIMAL_NANOTEZ_PER_BYTE),
)


async def measure(delegators: int) -> dict[str, Any]:
    """Plan and pay one cycle, and give the figures by name."""
    settings = SandboxSettings(
        delegator_count=delegators,
        blocks_per_cycle=8,
        blocks_before_first_turn=1,
        block_seconds=BLOCK_SECONDS,
    )
    async with due_cycle(settings) as (payer, sandbox, way):
        return await _pay(payer, sandbox, way)


async def _pay(payer: Payer, sandbox: HostileSandbox, way: Counted) -> dict[str, Any]:
    chain = sandbox.chain
    first_level = chain.head.level + 1
    _, steps = await pay_in_full(payer, sandbox, way)
    blocks = [block for block in chain.simulated_blocks(first_level) if block.operations]
    groups = [group for block in blocks for group in block.operations]
    gas = sum(_gas(group) for group in groups)
    size = sum(group.signed.size for group in groups)
    fewest = max(-(-gas // GAS_LIMIT_PER_BLOCK_MAX), -(-size // OPERATION_SIZE_MAX))
    used = blocks[-1].level - first_level + 1
    contents = [content for group in groups for content in group.signed.group.contents]
    payouts = sum(isinstance(content, Transaction) for content in contents)
    fees = sum(content.fee for content in contents)
    minimum = sum(
        minimum_fee(FILTER, gas=_gas(group), size_bytes=group.signed.size) for group in groups
    )
    memory_unit = 1 if sys.platform == "darwin" else 1024
    return {
        "payouts": payouts,
        "plan_seconds": steps[0],
        "step_p50": statistics.median(steps),
        "cpu_seconds": sum(steps),
        "blocks": used,
        "fewest_blocks": fewest,
        "pay_minutes": used * BLOCK_SECONDS / 60,
        "fee": fees / payouts,
        "minimum_fee": minimum / payouts,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * memory_unit / 1e6,
    }


def _gas(group: IncludedGroup) -> int:
    """Give the least gas that a group could have named, rounded up for each content."""
    return sum(-(-each.consumed_milligas // MILLIGAS_PER_GAS) for each in group.receipts)


def _in_a_process_of_its_own(delegators: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.paying", "--one", str(delegators)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - this file
    figures: dict[str, Any] = json.loads(output.splitlines()[-1])
    return figures


def main(sizes: list[int]) -> int:
    is_above = False
    for delegators in sizes:
        figures = _in_a_process_of_its_own(delegators)
        ratios = {
            "of_fewest": figures["blocks"] / figures["fewest_blocks"],
            "plan_of_a_block": figures["plan_seconds"] / BLOCK_SECONDS,
            "of_minimum": figures["fee"] / figures["minimum_fee"],
            "of_network": figures["fee"] / NETWORK_MEDIAN,
        }
        figures |= ratios
        print(f"{delegators} delegators")
        for name, figure in figures.items():
            limit = f" of {LIMITS[name]:.2f}" if name in LIMITS else ""
            print(f"  {name:16} {figure:10.2f}{limit}")
        keep("paying", str(delegators), figures)
        # Of few blocks, one more is no sign of anything.
        is_above |= figures["blocks"] > max(
            LIMITS["of_fewest"] * figures["fewest_blocks"], figures["fewest_blocks"] + 1
        )
        is_above |= any(ratios[name] > LIMITS[name] for name in ("plan_of_a_block", "of_minimum"))
        is_above |= ratios["of_network"] > 1
    return int(is_above)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(asyncio.run(measure(int(sys.argv[2])))))
    else:
        sys.exit(main([int(each) for each in sys.argv[1:]] or list(SIZES)))
