"""Holding several sources against each other: what only one of them says decides nothing.

A node's word is enough to wait or to refuse. To call a payout paid, or an operation dead, at least
two sources must say the same, and none the contrary.
"""

from dataclasses import dataclass
from typing import Final

from bakehouse.payments.payer import Payer
from bakehouse.tezos.testimony import AbsenceQuestion, Testimony

#: Sources that must say the same: two nodes, or a node and an indexer.
VOICES_MIN: Final = 2


@dataclass(frozen=True, slots=True)
class Agreement:
    """What all sources said to one question."""

    testimonies: tuple[Testimony, ...]

    @property
    def is_reached(self) -> bool:
        """Whether enough sources confirm, and none contradicts."""
        words = [each.confirms for each in self.testimonies]
        return words.count(True) >= VOICES_MIN and False not in words

    @property
    def is_contradicted(self) -> bool:
        """Whether some source says the contrary."""
        return any(each.confirms is False for each in self.testimonies)

    @property
    def counters(self) -> tuple[int, ...]:
        """The counters that were told with a confirmation."""
        return tuple(
            each.counter for each in self.testimonies if each.confirms and each.counter is not None
        )

    def __str__(self) -> str:
        return "; ".join(f"{each.source}: {each.words}" for each in self.testimonies)


async def agree_on_block(payer: Payer, level: int, block: str) -> Agreement:
    """Ask every node and indexer whether the block of a level is this one."""
    nodes = await payer.node.on_block(level, block)
    return Agreement((*nodes, *await payer.indexer.on_block(level, block)))


async def agree_on_absence(payer: Payer, question: AbsenceQuestion) -> Agreement:
    """Ask every node and indexer to show that an operation is in no block of its life."""
    nodes = await payer.node.on_absence(question)
    return Agreement((*nodes, *await payer.indexer.on_absence(question)))
