"""One block of the simulated chain, and how blocks get their hashes."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from bakehouse.errors import EncodingError
from bakehouse.sandbox.crowd import OthersGroup
from bakehouse.sandbox.draw import draw_bytes, draw_text
from bakehouse.sandbox.issuance import Earnings
from bakehouse.sandbox.movement import Movement
from bakehouse.sandbox.protocol import MILLIGAS_PER_GAS, OPERATIONS_TTL
from bakehouse.sandbox.receipt import BalanceUpdate, IncludedGroup
from bakehouse.tezos.base58check import Prefix, decode, encode


@dataclass(frozen=True, slots=True)
class Block:
    """A block; `timestamp` is in seconds since 1970.

    `issued` and `burned` are mutez since the simulation began, `global_counter` the number from
    which accounts allocated next will count, and `earned` what the baker got in this block.
    Operations in the next block may have as branch this block or one of the `operations_ttl` before
    it. `movements` are those of accounts whose keys nobody has here, `others` what takes room in it
    beside.
    """

    level: int
    hash: str
    predecessor: str
    timestamp: int
    proposer: str
    global_counter: int
    block_round: int = 0
    operations: tuple[IncludedGroup, ...] = ()
    updates: tuple[BalanceUpdate, ...] = ()
    touched: tuple[str, ...] = ()
    earned: Earnings = field(default_factory=Earnings)
    issued: int = 0
    burned: int = 0
    operations_ttl: int = OPERATIONS_TTL
    movements: tuple[Movement, ...] = ()
    others: tuple[OthersGroup, ...] = ()

    @property
    def consumed_milligas(self) -> int:
        """Gas used by all operations, in thousandths."""
        ours = sum(
            receipt.consumed_milligas
            for included in self.operations
            for receipt in included.receipts
        )
        return ours + MILLIGAS_PER_GAS * sum(each.gas_limit for each in self.others)


#: Bytes at the end of an ancestor's hash that tell its level to who knows the chain.
_LEVEL_SIZE: Final = 4
#: Chains whose masks are remembered.
_CHAINS_MAX: Final = 64


def ancestor_hash(chain_id: str, level: int) -> str:
    """Give the hash of a block from before the simulation, which nobody needs to have stored."""
    drawn = draw_bytes(Prefix.BLOCK_HASH.size - _LEVEL_SIZE, chain_id, "ancestor", level)
    return encode(Prefix.BLOCK_HASH, drawn + _masked(chain_id, level.to_bytes(_LEVEL_SIZE)))


def ancestor_level(chain_id: str, hash_text: str) -> int | None:
    """Give the level of a block from before the simulation; None if the hash is not of one."""
    try:
        _, payload = decode(hash_text, Prefix.BLOCK_HASH)
    except EncodingError:
        return None
    level = int.from_bytes(_masked(chain_id, payload[-_LEVEL_SIZE:]))
    return level if ancestor_hash(chain_id, level) == hash_text else None


def _masked(chain_id: str, level: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(level, _mask(chain_id), strict=True))


@lru_cache(maxsize=_CHAINS_MAX)
def _mask(chain_id: str) -> bytes:
    return draw_bytes(_LEVEL_SIZE, chain_id, "level of an ancestor")


def block_hash(
    predecessor: str,
    block_round: int,
    operation_hashes: list[str],
    movements: tuple[Movement, ...] = (),
) -> str:
    """Give the hash of a simulated block.

    The timestamp is left out, so that a chain in real time has the hashes of one baked by hand.
    """
    contents = (*operation_hashes, *map(repr, movements))
    return draw_text(Prefix.BLOCK_HASH, "block", predecessor, block_round, *contents)
