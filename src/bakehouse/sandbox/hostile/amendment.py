"""A protocol that comes into force while payments are under way."""

from dataclasses import replace
from typing import Any, Final

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.draw import draw_text
from bakehouse.sandbox.hostile.dice import Dice
from bakehouse.sandbox.protocol import Protocol
from bakehouse.tezos.base58check import Prefix

#: What the constants of a new protocol are drawn from.
_OPERATIONS_TTL: Final = (120, 450, 600, 900)
_GAS_LIMITS: Final = ((1_040_000, 1_040_000), (700_000, 1_040_000), (1_040_000, 1_733_333))
_DELAY_FACTORS: Final = (1, 1, 2)
#: Letters of its hash that stand in the ids of its errors.
_NAME_LENGTH: Final = 8


def amend(chain: Chain, dice: Dice, *, in_blocks: int = 1, **constants: Any) -> int:
    """Have another protocol in force after one of the next blocks; gives its level.

    That block is the last one of the old protocol. What is not told of the `constants` (fields of
    Protocol) is drawn.
    """
    old = chain.protocols.after(chain.head.level + in_blocks)
    number = old.number + 1
    name = draw_text(Prefix.PROTOCOL_HASH, chain.chain_id, "protocol", number)
    per_operation, per_block = dice.pick(_GAS_LIMITS)
    new = Protocol(
        hash=name,
        number=number,
        error_id_prefix=f"proto.{number:03d}-{name[:_NAME_LENGTH]}.",
        operations_ttl=dice.pick(_OPERATIONS_TTL),
        gas_limit_per_operation_max=per_operation,
        gas_limit_per_block_max=per_block,
        storage_limit_max=old.storage_limit_max,
        block_delay_seconds=old.block_delay_seconds * dice.pick(_DELAY_FACTORS),
    )
    level = chain.head.level + in_blocks
    chain.protocols.change(level, replace(new, **constants))
    return level
