"""What others do to accounts: the payout account is drained, payees' accounts are emptied.

Nobody here has their keys, so these are movements of a block and not operations in it.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from bakehouse.sandbox.account import is_implicit
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.hostile.dice import Dice
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.movement import Movement
from bakehouse.sandbox.protocol import ALLOCATION_BURN, ORIGINATION_SIZE
from bakehouse.sandbox.receipt import SignedGroup, Status
from bakehouse.tezos.operation import Transaction

#: What may be left of a drained account, in mutez; one of them is drawn. Nothing means that the
#: account is no more, and has forgotten its key and its counter when it is funded again.
_LEFT: Final = (0, 1, 1_000, 100_000)


@dataclass(slots=True)
class Withdrawals:
    """The armed faults, and what they have moved: blocks that are replaced undo it."""

    chain: Chain
    payer: str
    dice: Dice
    struck: Counter[Fault]
    _left: int | None = None
    _emptying: list[str | None] = field(default_factory=list)
    _failing: list[int | None] = field(default_factory=list)
    _drained: list[tuple[Block, int]] = field(default_factory=list)
    _emptied: list[tuple[Block, str]] = field(default_factory=list)

    def drain(self, left: int | None = None) -> None:
        """Have the payout account's money go, but for what is `left` (mutez), until `disarm`."""
        self._left = self.dice.pick(_LEFT) if left is None else left

    def empty(self, address: str | None = None) -> None:
        """Have an account emptied: this one, or a payee of the next group in a block."""
        self._emptying.append(address)

    def fail(self, position: int | None = None) -> None:
        """Have a transfer fail in the next block with a group of the payer: this content of it."""
        self._failing.append(position)

    def disarm(self) -> None:
        """Do no more, and give back what was drained, with the next block."""
        self._left = None
        self._emptying.clear()
        self._failing.clear()

    def movements(self, groups: list[SignedGroup]) -> list[Movement]:
        """Give what moves at the beginning of a block of these groups."""
        movements = self._emptied_again() + self._emptied_now(groups)
        drained = self._payers_money()
        if drained is not None:
            return [*movements, drained]
        failing = self._failing_now(groups)
        return movements if failing is None else [*movements, failing]

    def block_baked(self, block: Block) -> None:
        """Take note of what has moved in a block, and of what has failed."""
        for movement in block.movements:
            if movement.is_returned:
                self._note_failure(block)
            elif movement.source == self.payer:
                self._drained.append((block, movement.amount))
                self.struck[Fault.BALANCE_DRAINED] += 1
            elif movement.destination == self.payer:
                self._drained.append((block, -movement.amount))
            else:
                self._note_emptied(block, movement.source)

    def _note_failure(self, block: Block) -> None:
        has_failed = any(
            receipt.status is Status.FAILED
            for included in block.operations
            if included.signed.source == self.payer
            for receipt in included.receipts
        )
        if has_failed:
            self._failing = self._failing[1:]
            self.struck[Fault.INCLUDED_BUT_FAILED] += 1

    def _note_emptied(self, block: Block, address: str) -> None:
        again = [each for each in self._emptied if each[1] == address]
        self._emptied = [each for each in self._emptied if each[1] != address]
        self._emptied.append((block, address))
        if not again:
            self.struck[Fault.DESTINATION_EMPTIED] += 1
            wanted = address if address in self._emptying else None
            self._emptying.remove(wanted)

    def _balance(self, address: str) -> int:
        account = self.chain.account(address, self.chain.head.level)
        return account.balance if account else 0

    def _payers_money(self) -> Movement | None:
        self._drained = [each for each in self._drained if self.chain.has(each[0])]
        network, balance = self.chain.world.network, self._balance(self.payer)
        if self._left is not None:
            if balance <= self._left:
                return None
            return Movement(self.payer, network, balance - self._left)
        owed = sum(amount for _, amount in self._drained)
        return Movement(network, self.payer, owed) if owed > 0 else None

    def _emptied_again(self) -> list[Movement]:
        # Whoever withdrew from an account does so on another branch as well.
        return [
            self._emptying_of(address)
            for block, address in self._emptied
            if not self.chain.has(block) and self._balance(address)
        ]

    def _emptied_now(self, groups: list[SignedGroup]) -> list[Movement]:
        payees = [address for address in self._payees(groups) if self._can_be_emptied(address)]
        again = {address for block, address in self._emptied if not self.chain.has(block)}
        chosen: list[str] = []
        for wanted in self._emptying:
            candidates = payees if wanted is None else [wanted]
            candidates = [
                each
                for each in candidates
                if each not in chosen and each not in again and self._can_be_emptied(each)
            ]
            if candidates:
                chosen.append(self.dice.pick(candidates))
        return [self._emptying_of(address) for address in chosen]

    def _payees(self, groups: list[SignedGroup]) -> list[str]:
        """Give who is paid as somebody who has an account: without bytes to allocate one."""
        return [
            content.destination
            for signed in groups
            if signed.source == self.payer
            for content in signed.group.contents
            if isinstance(content, Transaction) and content.storage_limit < ORIGINATION_SIZE
        ]

    def _can_be_emptied(self, address: str) -> bool:
        account = self.chain.account(address, self.chain.head.level)
        own = {self.payer, self.chain.world.baker, self.chain.world.network}
        return (
            account is not None
            and account.balance > 0
            and account.staked == 0
            and is_implicit(address)
            and address not in own
        )

    def _emptying_of(self, address: str) -> Movement:
        network = self.chain.world.network
        return Movement(address, network, self._balance(address), ends_delegation=True)

    def _failing_now(self, groups: list[SignedGroup]) -> Movement | None:
        if not self._failing:
            return None
        ours = next((signed for signed in groups if signed.source == self.payer), None)
        kept = [] if ours is None else self._kept_for_failures(ours)
        if not kept:
            return None
        positions = dict(kept)
        wanted = self._failing[0]
        # The last content is drawn as often as all others together: it undoes most.
        drawn = self.dice.pick(kept + [kept[-1]] * len(kept))
        keep = positions.get(wanted, drawn[1]) if wanted is not None else drawn[1]
        excess = self._balance(self.payer) - keep
        if excess <= 0:
            return None
        return Movement(self.payer, self.chain.world.network, excess, is_returned=True)

    def _kept_for_failures(self, signed: SignedGroup) -> list[tuple[int, int]]:
        """Give, for each content that can be made to fail, the balance that makes it fail first."""
        kept: list[tuple[int, int]] = []
        needed, allocated = signed.fee, set[str]()
        for position, content in enumerate(signed.group.contents):
            if not isinstance(content, Transaction) or content.amount == 0:
                continue
            short = needed + content.amount - 1
            # Fees must not empty the account, or the group would not be valid.
            if short > signed.fee:
                kept.append((position, short))
            needed += content.amount
            destination = content.destination
            account = self.chain.account(destination, self.chain.head.level)
            if account is None and destination not in allocated:
                allocated.add(destination)
                needed += ALLOCATION_BURN
        return kept
