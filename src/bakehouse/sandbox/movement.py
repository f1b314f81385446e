"""What others do with their money: they sign with keys that nobody has here.

A block shows such movements among its balance updates, not as operations.
"""

from dataclasses import dataclass, replace

from bakehouse.sandbox.ledger import Draft
from bakehouse.sandbox.receipt import BalanceUpdate


@dataclass(frozen=True, slots=True)
class Movement:
    """Mutez that go from one account to another at the beginning of a block.

    `is_returned`: they come back at the end of the same block. `ends_delegation`: the source
    delegates no more, so that an implicit account which keeps nothing is removed.
    """

    source: str
    destination: str
    amount: int
    is_returned: bool = False
    ends_delegation: bool = False

    @property
    def returning(self) -> "Movement":
        """The movement that undoes this one."""
        return Movement(self.destination, self.source, self.amount)


def move(draft: Draft, movement: Movement) -> tuple[BalanceUpdate, ...]:
    """Move the mutez, which the source must have; gives the block's movements."""
    source = draft.account(movement.source)
    if source is None or source.balance < movement.amount:
        raise ValueError(f"{movement.source} does not have {movement.amount} mutez")
    delegate = None if movement.ends_delegation else source.delegate
    left = source.balance - movement.amount
    draft.write(movement.source, replace(source, balance=left, delegate=delegate))
    destination = draft.account(movement.destination) or draft.fresh_account()
    received = destination.balance + movement.amount
    draft.write(movement.destination, replace(destination, balance=received))
    return (
        BalanceUpdate("contract", -movement.amount, contract=movement.source),
        BalanceUpdate("contract", movement.amount, contract=movement.destination),
    )
