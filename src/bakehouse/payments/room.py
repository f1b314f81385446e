"""How large the next group may be: as large as recent blocks had left room for.

A guess of what the next blocks will leave. It decides how fast people are paid, and nothing else.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

import structlog

from bakehouse.errors import SourceError
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import WHOLE
from bakehouse.tezos.address import Address
from bakehouse.tezos.block_use import OperationUse
from bakehouse.tezos.fees import ENVELOPE_SIZE
from bakehouse.tezos.node import SigningContext

_log = structlog.get_logger(__name__)

#: Blocks that are read if need be: half a minute of the chain. As many again are looked at where
#: they were read before.
_BLOCKS_READ: Final = 6
_BLOCKS_KNOWN: Final = 12

#: What is taken of a block where none could be read, and the least where all were full; in
#: ten-thousandths of one.
_UNKNOWN_SHARE: Final = WHOLE // 4
_LEAST_SHARE: Final = WHOLE // 50

#: The protocol's limits for a signed group and for all of a block, where a node does not list them
#: (octez, mempool and validation passes).
_OPERATION_BYTES_MAX: Final = 32_768
_MANAGER_BYTES_MAX: Final = 512 * 1024


@dataclass(frozen=True, slots=True)
class Room:
    """What the contents of one group may take together; `most_gas` what a single one may."""

    gas: int
    size_bytes: int
    most_gas: int


async def room_for_group(
    payer: Payer, account: Address, context: SigningContext, *, expired: int
) -> Room:
    """Look at the newest blocks up to the one that is signed upon, and size the next group.

    What the account itself had in them is free for its next group. `expired` groups in a row have
    reached no block although there was room: each halves what is tried next.
    """
    uses = await asyncio.gather(
        *(_uses(payer, context, depth) for depth in range(min(_BLOCKS_KNOWN, context.head.level)))
    )
    recent = [*uses[:_BLOCKS_READ], *takewhile(lambda each: each is not None, uses[_BLOCKS_READ:])]
    shares = [_free_share(each, account, context) for each in recent if each is not None]
    share = max(best_share(shares) if shares else _UNKNOWN_SHARE, _LEAST_SHARE) >> expired
    most_gas = (
        context.constants.hard_gas_limit_per_block * payer.limits.block_gas_percent_max // 100
    )
    gas = context.constants.hard_gas_limit_per_block * share // WHOLE
    size = _operation_bytes_max(context) * share // WHOLE
    return Room(min(gas, most_gas), size - ENVELOPE_SIZE, most_gas)


def best_share(free: Sequence[int]) -> int:
    """Give the size that would have got the most through blocks which left so much free each.

    The larger a group, the fewer blocks have room for it. One of them is not counted: what a single
    block had room for is chance. Of sizes that are as good the smallest.
    """
    return max(sorted(set(free)), key=lambda size: size * (sum(each >= size for each in free) - 1))


def _free_share(uses: Iterable[OperationUse], account: Address, context: SigningContext) -> int:
    """Give what others left of a block, in ten-thousandths of the largest group there can be."""
    others = [each for each in uses if each.source != account]
    gas_max = context.constants.hard_gas_limit_per_block
    bytes_max = context.manager_bytes_max or _MANAGER_BYTES_MAX
    gas = max(gas_max - sum(each.gas_limit for each in others), 0)
    size = max(bytes_max - sum(each.size_bytes for each in others), 0)
    return min(gas * WHOLE // gas_max, size * WHOLE // _operation_bytes_max(context), WHOLE)


def _operation_bytes_max(context: SigningContext) -> int:
    return context.constants.max_operation_data_length or _OPERATION_BYTES_MAX


async def _uses(
    payer: Payer, context: SigningContext, depth: int
) -> tuple[OperationUse, ...] | None:
    head = context.head
    level = head.level - depth
    known = payer.recent_blocks.known(head.chain_id, level)
    if known is not None or depth >= _BLOCKS_READ:
        return known
    try:
        uses = await payer.node.operation_uses(f"{head.hash}~{depth}" if depth else head.hash)
    except SourceError as error:
        # Nobody is paid too little or too late for that: the group is only smaller.
        _log.warning("block-not-measured", level=level, why=error.message)
        return None
    payer.recent_blocks.remember(head.chain_id, level, uses)
    return uses
