"""How the next block is made: movements, operations, fees and rewards, in this order.

What a block is made of is chosen elsewhere; so is what becomes of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bakehouse.sandbox.application import apply_group, pay_fees
from bakehouse.sandbox.block import Block, block_hash
from bakehouse.sandbox.crowd import OthersGroup
from bakehouse.sandbox.issuance import issue
from bakehouse.sandbox.ledger import Draft
from bakehouse.sandbox.movement import Movement, move
from bakehouse.sandbox.node_error import OperationRefusedError
from bakehouse.sandbox.protocol import CycleLength, Protocol, ProtocolSchedule
from bakehouse.sandbox.receipt import IncludedGroup, Receipt, SignedGroup
from bakehouse.sandbox.rights import Rights
from bakehouse.sandbox.validation import check_group
from bakehouse.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a block is made of; `timestamp` is in seconds since 1970, or as soon as allowed.

    A group that is not valid after the movements is left out. `others` take room and no more.
    """

    groups: tuple[SignedGroup, ...] = ()
    movements: tuple[Movement, ...] = ()
    block_round: int = 0
    timestamp: int | None = None
    others: tuple[OthersGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Baking:
    """What decides, besides the recipe, what the next block is."""

    world: World
    rights: Rights
    cycle_length: CycleLength
    protocols: ProtocolSchedule

    def block(self, head: Block, draft: Draft, recipe: Recipe) -> Block:
        """Make the block after `head`; `draft` is the state after it, and is changed."""
        level = head.level + 1
        protocol = self.protocols.of(level)
        updates = tuple(update for each in recipe.movements for update in move(draft, each))
        included = tuple(_included(draft, recipe, protocol))
        is_own = self.rights.may_bake(level, recipe.block_round)
        proposer = self.world.baker if is_own else self.world.network
        updates += pay_fees(draft, proposer)
        earned = self.rights.earned(level, is_own=is_own, fees=draft.fees)
        snapshot = self.rights.snapshot(self.cycle_length.cycle_of(level))
        updates += issue(draft, self.world.baker, earned, snapshot)
        for each in recipe.movements:
            updates += move(draft, each.returning) if each.is_returned else ()
        following = head.timestamp + protocol.block_delay_seconds
        operation_hashes = [each.signed.hash for each in included]
        operation_hashes += [each.hash for each in recipe.others]
        return Block(
            level=level,
            hash=block_hash(head.hash, recipe.block_round, operation_hashes, recipe.movements),
            predecessor=head.hash,
            timestamp=following
            if recipe.timestamp is None
            else max(recipe.timestamp, head.timestamp),
            proposer=proposer,
            global_counter=draft.global_counter,
            block_round=recipe.block_round,
            operations=included,
            updates=updates,
            touched=tuple(draft.changes),
            earned=earned,
            issued=head.issued + draft.issued,
            burned=head.burned + draft.burned,
            operations_ttl=self._operations_ttl(head),
            movements=recipe.movements,
            others=recipe.others,
        )

    def _operations_ttl(self, head: Block) -> int:
        # Blocks that were forgotten as too old do not become live again when a protocol allows
        # more of them: the number grows by one a block (octez, `block_validation`).
        allowed = self.protocols.after(head.level + 1).operations_ttl
        return min(head.operations_ttl + 1, allowed)


def worded(receipts: tuple[Receipt, ...], protocol: Protocol) -> tuple[Receipt, ...]:
    """Give receipts whose errors are named as the protocol names them."""
    return tuple(receipt.under(protocol.error_id_prefix) for receipt in receipts)


def _included(draft: Draft, recipe: Recipe, protocol: Protocol) -> Iterator[IncludedGroup]:
    for signed in recipe.groups:
        try:
            check_group(draft.account, signed.group, protocol)
        except OperationRefusedError:
            continue
        yield IncludedGroup(signed, worded(apply_group(draft, signed.group), protocol))
