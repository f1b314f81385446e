"""Somebody else who has the payout key, and signs operations that nobody here knows of."""

from dataclasses import dataclass, field, replace
from typing import Final

from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.receipt import SignedGroup
from bakehouse.sandbox.validation import minimal_fee, read_signed
from bakehouse.tezos.address import Address
from bakehouse.tezos.forging import forge
from bakehouse.tezos.keys import OPERATION_WATERMARK
from bakehouse.tezos.operation import Content, OperationGroup, Reveal, Transaction

#: Enough for a transfer to anybody, and for a reveal with any key.
_TRANSFER_GAS: Final = 4_000
_REVEAL_GAS: Final = 1_000
_STORAGE_LIMIT: Final = 257
#: What a stranger pays at least, in minimal fees: more for its gas than any payout does, so that
#: none replaces it in a mempool.
_FEE_FACTOR: Final = 10
#: Blocks below the head of the branch that is signed for: no reorganisation takes it away.
_BRANCH_DEPTH: Final = 2


@dataclass(slots=True)
class Stranger:
    """The other holder of the key; `signed` are the hashes of all that came from here."""

    chain: Chain
    signed: set[str] = field(default_factory=set)

    @property
    def address(self) -> Address:
        """The account of both."""
        return self.chain.world.payout_key.public_key.address

    def transfer(self, destination: str, amount: int, fee: int = 0) -> SignedGroup | None:
        """Sign a transfer of some mutez with the next counter; None if the account is no more.

        The fee is several times what nodes ask for, if the one given is less.
        """
        account = self.chain.account(self.address, self.chain.head.level)
        if account is None:
            return None
        counter = account.counter + 1
        contents: list[Content] = []
        if account.public_key is None:
            contents.append(self._reveal(counter))
            counter += 1
        contents.append(self._transaction(counter, destination, amount))
        branch = self.chain.block_at(self.chain.head.level - _BRANCH_DEPTH).hash
        unpaid = self._sign(OperationGroup(branch, tuple(contents)), fee)
        asked = minimal_fee(gas_limit=unpaid.gas_limit, size=unpaid.size + _STORAGE_LIMIT)
        group = self._sign(unpaid.group, max(fee, asked * _FEE_FACTOR * self.chain.fee_factor))
        self.signed.add(group.hash)
        return group

    def _sign(self, group: OperationGroup, fee: int) -> SignedGroup:
        first, *others = group.contents
        paying = replace(group, contents=(replace(first, fee=Mutez(fee)), *others))
        forged = forge(paying)
        signature = self.chain.world.payout_key.sign(OPERATION_WATERMARK + forged)
        return read_signed(forged + signature)

    def _reveal(self, counter: int) -> Reveal:
        return Reveal(
            source=self.address,
            fee=Mutez(0),
            counter=counter,
            gas_limit=_REVEAL_GAS,
            storage_limit=0,
            public_key=self.chain.world.payout_key.public_key.encode(),
        )

    def _transaction(self, counter: int, destination: str, amount: int) -> Transaction:
        return Transaction(
            source=self.address,
            fee=Mutez(0),
            counter=counter,
            gas_limit=_TRANSFER_GAS,
            storage_limit=_STORAGE_LIMIT,
            amount=Mutez(amount),
            destination=Address(destination),
        )
