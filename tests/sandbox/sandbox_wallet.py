"""An account that forges and signs for itself, independent of how the product does it."""

from dataclasses import dataclass, replace
from typing import Any

from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.draw import draw_text
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.forging import forge
from bakehouse.tezos.keys import OPERATION_WATERMARK, SecretKey
from bakehouse.tezos.operation import Content, OperationGroup, Reveal, Transaction

Payment = tuple[str, int]

#: Accounts that no world has: the first transfer to one allocates it.
UNUSED = tuple(draw_text(Prefix.TZ1, "unused account", index) for index in range(3))


@dataclass(frozen=True, slots=True)
class Wallet:
    """The key of an account on a chain."""

    chain: Chain
    key: SecretKey

    @property
    def address(self) -> Address:
        return self.key.public_key.address

    @property
    def balance(self) -> int:
        account = self.chain.account(self.address, self.chain.head.level)
        return account.balance if account else 0

    @property
    def next_counter(self) -> int:
        account = self.chain.account(self.address, self.chain.head.level)
        return (account.counter if account else self.chain.head.global_counter) + 1

    def transaction(self, payment: Payment, counter: int) -> Transaction:
        destination, amount = payment
        return Transaction(
            source=self.address,
            fee=Mutez(1_000),
            counter=counter,
            gas_limit=3_500,
            storage_limit=257,
            amount=Mutez(amount),
            destination=Address(destination),
        )

    def reveal(self, counter: int) -> Reveal:
        return Reveal(
            source=self.address,
            fee=Mutez(1_000),
            counter=counter,
            gas_limit=1_000,
            storage_limit=0,
            public_key=self.key.public_key.encode(),
        )

    def group(self, *payments: Payment, reveals: bool = False) -> OperationGroup:
        first = self.next_counter
        contents: list[Content] = [self.reveal(first)] if reveals else []
        for payment in payments:
            contents.append(self.transaction(payment, first + len(contents)))
        return OperationGroup(branch=self.chain.head.hash, contents=tuple(contents))

    def sign(self, group: OperationGroup) -> bytes:
        forged = forge(group)
        return forged + self.key.sign(OPERATION_WATERMARK + forged)

    def send(self, *payments: Payment) -> str:
        return self.chain.inject(self.sign(self.group(*payments)))

    def reveal_now(self) -> None:
        self.chain.inject(self.sign(self.group(reveals=True)))
        self.chain.bake()


def with_each(group: OperationGroup, **changes: Any) -> OperationGroup:
    """Change the same fields of every content."""
    return with_contents(group, *(replace(content, **changes) for content in group.contents))


def with_contents(group: OperationGroup, *contents: Content) -> OperationGroup:
    return replace(group, contents=contents)


def total_mutez(chain: Chain) -> int:
    """Sum what everyone has, liquid and staked."""
    accounts = chain.accounts(chain.head.level).values()
    return sum(account.balance + account.staked for account in accounts)
