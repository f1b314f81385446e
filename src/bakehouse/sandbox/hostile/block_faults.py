"""Which waiting operations bakers take into a block: not the stuck, nor those that pay less."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.crowd import NOBODY, Crowd
from bakehouse.sandbox.hostile.dice import Dice
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.hostile.stranger import Stranger
from bakehouse.sandbox.mempool import Refusal
from bakehouse.sandbox.node_error import OperationRefusedError
from bakehouse.sandbox.receipt import SignedGroup
from bakehouse.sandbox.validation import check_fee

_FACTOR_MAX: Final = 50

#: What is left free has room for four transfers at most.
_CROWD_PERCENT_MIN: Final = 99


@dataclass(slots=True)
class BlockFaults:
    """The faults that last; a stuck operation is known by its hash, however often it is sent."""

    chain: Chain
    stranger: Stranger
    dice: Dice
    struck: Counter[Fault]
    _sticks: bool = False
    _stuck: SignedGroup | None = None

    def stick(self) -> None:
        """Have the payout account's operation stuck: that which waits, or the next that does."""
        self._sticks = True

    def spike(self, factor: int | None = None) -> None:
        """Have everybody ask for so many times the minimal fees."""
        self.chain.fee_factor = self.dice.between(2, _FACTOR_MAX) if factor is None else factor

    def crowd(self, gas_percent: int | None = None) -> None:
        """Have others take so much of each block, or from this to all of it where not told."""
        least = _CROWD_PERCENT_MIN if gas_percent is None else gas_percent
        most = 100 if gas_percent is None else gas_percent
        self.chain.crowd = Crowd(gas_percent=(least, most))

    def disarm(self) -> None:
        """Take everything that is valid from now, and hold nothing against what was refused."""
        self._sticks, self._stuck = False, None
        self.chain.crowd = NOBODY
        self.chain.fee_factor = 1
        self.chain.mempool.refused[Refusal.REFUSED].clear()

    def taken(self) -> list[SignedGroup]:
        """Give what goes into the next block."""
        self._choose_stuck()
        fitting = self.chain.fitting()
        if self.chain.crowd != NOBODY and self._is_crowded_out(fitting):
            self.struck[Fault.CROWDED_BLOCKS] += 1
        return [signed for signed in fitting if not self._is_left_out(signed)]

    def _is_crowded_out(self, fitting: list[SignedGroup]) -> bool:
        waiting = self.chain.mempool.waiting_of(self.stranger.address)
        return waiting is not None and waiting not in fitting

    def _choose_stuck(self) -> None:
        if self._stuck is not None and not self.chain.is_live(self._stuck.group.branch):
            self._sticks, self._stuck = False, None
        if self._sticks and self._stuck is None:
            waiting = self.chain.mempool.waiting_of(self.stranger.address)
            if waiting is not None and waiting.hash not in self.stranger.signed:
                self._stuck = waiting

    def _is_left_out(self, signed: SignedGroup) -> bool:
        if self._stuck is not None and signed.hash == self._stuck.hash:
            self.struck[Fault.STUCK_UNTIL_EXPIRY] += 1
            return True
        try:
            check_fee(signed, self.chain.fee_factor)
        except OperationRefusedError:
            self.struck[Fault.FEE_SPIKE] += 1
            return True
        return False
