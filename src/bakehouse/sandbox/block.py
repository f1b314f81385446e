"""One block of the simulated chain, and the blocks that were there before it was simulated."""

from dataclasses import dataclass, field

from bakehouse.sandbox.draw import draw_text
from bakehouse.sandbox.issuance import Earnings
from bakehouse.sandbox.receipt import BalanceUpdate, IncludedGroup
from bakehouse.tezos.base58check import Prefix


@dataclass(frozen=True, slots=True)
class Block:
    """A block; `timestamp` is in seconds since 1970.

    `issued` and `burned` are mutez since the simulation began, `global_counter` the number from
    which accounts allocated next will count, and `earned` what the baker got in this block.
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
    touched: frozenset[str] = frozenset()
    earned: Earnings = field(default_factory=Earnings)
    issued: int = 0
    burned: int = 0

    @property
    def consumed_milligas(self) -> int:
        """Gas used by all operations, in thousandths."""
        return sum(
            receipt.consumed_milligas
            for included in self.operations
            for receipt in included.receipts
        )


def ancestor_hash(chain_id: str, level: int) -> str:
    """Give the hash of a block from before the simulation, which nobody needs to have stored."""
    return draw_text(Prefix.BLOCK_HASH, chain_id, "ancestor", level)


def block_hash(predecessor: str, block_round: int, operation_hashes: list[str]) -> str:
    """Give the hash of a simulated block.

    The timestamp is left out, so that a chain in real time has the hashes of one baked by hand.
    """
    return draw_text(Prefix.BLOCK_HASH, "block", predecessor, block_round, *operation_hashes)
