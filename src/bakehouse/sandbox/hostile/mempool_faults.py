"""What becomes of operations that wait: forgotten, outrun by another, or replaced by another.

Each strikes once, as soon as there is something to strike.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.hostile.stranger import Stranger
from bakehouse.sandbox.mempool import fee_needed
from bakehouse.sandbox.node_error import OperationRefusedError
from bakehouse.sandbox.receipt import SignedGroup

MEMPOOL_FAULTS: Final = frozenset(
    {Fault.MEMPOOL_DROP, Fault.FOREIGN_COUNTER, Fault.REPLACED_BY_FEE}
)

#: More than the fee depends on by the fee's own bytes.
_FEE_MARGIN: Final = 10


@dataclass(slots=True)
class MempoolFaults:
    """The armed faults; `chains` gives the chain of every node, each with its mempool."""

    chain: Chain
    stranger: Stranger
    struck: Counter[Fault]
    chains: Callable[[], Iterable[Chain]]
    _armed: list[tuple[Fault, dict[str, Any]]] = field(default_factory=list)
    #: Operations that have taken a counter, and are in no block yet.
    _unseen: set[str] = field(default_factory=set)

    def arm(self, fault: Fault, **how: Any) -> None:
        """Have a fault strike, now if it can.

        FOREIGN_COUNTER and REPLACED_BY_FEE take `destination` and `amount` (mutez) of the transfer:
        one mutez to the baker unless told. MEMPOOL_DROP waits for `after` more blocks.
        """
        self._armed.append((fault, how))
        self.strike()

    def disarm(self) -> None:
        """Leave operations alone from now."""
        self._armed.clear()

    def strike(self) -> None:
        """Do what can be done now."""
        self._armed = [(fault, how) for fault, how in self._armed if not self._strike(fault, how)]

    def block_baked(self, block: Block) -> None:
        """Take note of which counters a stranger has used up, and of the time that goes by."""
        included = self._unseen & {each.signed.hash for each in block.operations}
        self._unseen -= included
        self.struck.update([Fault.FOREIGN_COUNTER] * len(included))
        for _, how in self._armed:
            if how.get("after"):
                how["after"] -= 1

    def _strike(self, fault: Fault, how: dict[str, Any]) -> bool:
        match fault:
            case Fault.MEMPOOL_DROP:
                return self._drop(**how)
            case Fault.FOREIGN_COUNTER:
                return self._take_counter(**how)
            case _:
                return self._replace(**how)

    def _drop(self, after: int = 0) -> bool:
        if after:
            return False
        forgotten = [
            signed for chain in self.chains() for signed in chain.mempool.forget(lambda _: True)
        ]
        if not forgotten:
            return False
        self.struck[Fault.MEMPOOL_DROP] += 1
        return True

    def _take_counter(self, destination: str | None = None, amount: int = 1) -> bool:
        signed = self.stranger.transfer(destination or self.chain.world.baker, amount)
        if signed is None or not self._is_taken(lambda: self.chain.prefer(signed)):
            return False
        self._unseen.add(signed.hash)
        return True

    def _replace(self, destination: str | None = None, amount: int = 1) -> bool:
        waiting = self.chain.mempool.waiting_of(self.stranger.address)
        if waiting is None or waiting.hash in self.stranger.signed:
            return False
        signed = self._better(waiting, destination or self.chain.world.baker, amount)
        if signed is None or not self._is_taken(lambda: self.chain.replace(signed)):
            return False
        self.struck[Fault.REPLACED_BY_FEE] += 1
        return True

    def _better(self, waiting: SignedGroup, destination: str, amount: int) -> SignedGroup | None:
        candidate = self.stranger.transfer(destination, amount)
        if candidate is None:
            return None
        fee = fee_needed(waiting, candidate) + _FEE_MARGIN
        return self.stranger.transfer(destination, amount, fee)

    @staticmethod
    def _is_taken(offer: Callable[[], None]) -> bool:
        try:
            offer()
        except OperationRefusedError:
            return False
        return True
