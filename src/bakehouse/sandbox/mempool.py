"""Operations that wait for a block, and what a node remembers of those it will not include.

Whether an operation is valid is asked of the chain; here is which of two valid ones stays.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from bakehouse.sandbox.node_error import Kind, NodeError, OperationRefusedError, ShellError
from bakehouse.sandbox.protocol import GAS_LIMIT_PER_BLOCK_MAX, MANAGER_PASS_SIZE_MAX
from bakehouse.sandbox.receipt import SignedGroup

#: A replacement must offer at least this many times the fee, and the fee for a unit of gas.
REPLACE_BY_FEE_FACTOR: Final = Fraction(21, 20)

#: Refused operations that are remembered, of each class; the oldest are forgotten first.
REMEMBERED_MAX: Final = 1_000

Check = Callable[[SignedGroup], None]


class Refusal(StrEnum):
    """Why an operation is not waiting for a block; the names are those of the RPC."""

    REFUSED = "refused"  # never valid
    OUTDATED = "outdated"  # will not be valid again
    BRANCH_REFUSED = "branch_refused"  # not valid on this branch
    BRANCH_DELAYED = "branch_delayed"  # not valid yet


_REFUSALS: Final = {
    Kind.PERMANENT: Refusal.REFUSED,
    Kind.OUTDATED: Refusal.OUTDATED,
    Kind.BRANCH: Refusal.BRANCH_REFUSED,
    Kind.TEMPORARY: Refusal.BRANCH_DELAYED,
}


@dataclass(frozen=True, slots=True)
class RefusedGroup:
    """An operation that is remembered with the errors it was refused for."""

    signed: SignedGroup
    errors: tuple[NodeError, ...]


class Mempool:
    """The operations one node knows of that are in no block."""

    __slots__ = ("_by_source", "refused")

    def __init__(self) -> None:
        # One valid operation for each source is a rule of the protocol, "1M".
        self._by_source: dict[str, SignedGroup] = {}
        self.refused: dict[Refusal, dict[str, RefusedGroup]] = {refusal: {} for refusal in Refusal}

    def copy(self) -> "Mempool":
        """Give a mempool that can go on in another way."""
        twin = Mempool()
        twin._by_source = self._by_source.copy()
        twin.refused = {refusal: each.copy() for refusal, each in self.refused.items()}
        return twin

    def __contains__(self, operation_hash: object) -> bool:
        """Tell whether an operation is known here, valid or not."""
        return any(signed.hash == operation_hash for signed in self._by_source.values()) or any(
            operation_hash in remembered for remembered in self.refused.values()
        )

    def waiting_of(self, source: str) -> SignedGroup | None:
        """Give the operation of an account that may be in the next block."""
        return self._by_source.get(source)

    def validated(self) -> Iterator[SignedGroup]:
        """Give the operations that may be in the next block."""
        return iter(self._by_source.values())

    def best_first(self) -> list[SignedGroup]:
        """Give the valid operations in the order in which a baker takes them."""
        return sorted(self._by_source.values(), key=lambda signed: (-_weight(signed), signed.hash))

    def add(self, signed: SignedGroup, check: Check) -> None:
        """Take an operation in; raises OperationRefusedError and forgets it otherwise.

        It may replace a waiting one of the same source by a better fee.
        """
        check(signed)
        waiting = self._by_source.get(signed.source)
        if waiting is not None:
            self._replace(waiting, signed)
        self._by_source[signed.source] = signed

    def prefer(self, signed: SignedGroup, check: Check) -> None:
        """Take an operation in as if it had come before the one of its source that waits.

        That one is delayed then, as a node does with the later of two that are in conflict.
        """
        check(signed)
        waiting = self._by_source.get(signed.source)
        self._by_source[signed.source] = signed
        if waiting is not None:
            self._remember(waiting, _conflict(signed, waiting))

    def hear_of(self, signed: SignedGroup, check: Check) -> None:
        """Take in an operation that another node tells of; a refused one is remembered."""
        try:
            self.add(signed, check)
        except OperationRefusedError as refused:
            self._remember(signed, refused)

    def recycle(
        self, check: Check, is_live: Callable[[str], bool], returning: Iterable[SignedGroup] = ()
    ) -> None:
        """Judge all but those refused for good again, on a new head.

        `check` leaves out the minimal fees, which nodes ask of an operation when it comes.
        Operations whose branch is not live any more are forgotten without a word, as nodes do.
        `returning` are those of blocks that are no more.
        """
        delayed = self.refused[Refusal.BRANCH_DELAYED], self.refused[Refusal.BRANCH_REFUSED]
        again = [*returning, *self.best_first()]
        again += [refused.signed for remembered in delayed for refused in remembered.values()]
        self._by_source = {}
        for remembered in delayed:
            remembered.clear()
        for signed in again:
            if is_live(signed.group.branch):
                self.hear_of(signed, check)

    def forget(self, is_forgotten: Callable[[SignedGroup], bool]) -> list[SignedGroup]:
        """Forget operations without a word, waiting or refused; gives those that were waiting."""
        dropped = [signed for signed in self._by_source.values() if is_forgotten(signed)]
        self.drop(signed.hash for signed in dropped)
        for refusal, remembered in self.refused.items():
            self.refused[refusal] = {
                name: refused
                for name, refused in remembered.items()
                if not is_forgotten(refused.signed)
            }
        return dropped

    def drop(self, operation_hashes: Iterable[str]) -> None:
        """Forget waiting operations, because they are in a block now."""
        dropped = set(operation_hashes)
        self._by_source = {
            source: signed
            for source, signed in self._by_source.items()
            if signed.hash not in dropped
        }

    def _replace(self, waiting: SignedGroup, signed: SignedGroup) -> None:
        if signed.fee < fee_needed(waiting, signed):
            raise _conflict(waiting, signed)
        replaced = ShellError.REPLACEMENT(old_hash=waiting.hash, replacement_hash=signed.hash)
        self._remember(waiting, OperationRefusedError(replaced))

    def _remember(self, signed: SignedGroup, refused: OperationRefusedError) -> None:
        remembered = self.refused[_REFUSALS[refused.kind]]
        remembered[signed.hash] = RefusedGroup(signed, refused.errors)
        if len(remembered) > REMEMBERED_MAX:
            del remembered[next(iter(remembered))]


def _conflict(waiting: SignedGroup, candidate: SignedGroup) -> OperationRefusedError:
    needed = str(fee_needed(waiting, candidate))
    return OperationRefusedError(
        ShellError.CONFLICT(new_hash=candidate.hash, needed_fee_in_mutez=needed)
    )


def fee_needed(waiting: SignedGroup, candidate: SignedGroup) -> int:
    """Give the fee, in mutez, for which nodes take a group in place of one that waits."""
    bumped_fee = REPLACE_BY_FEE_FACTOR * waiting.fee
    bumped_ratio = bumped_fee / waiting.gas_limit
    return max(_ceil(bumped_fee), _ceil(bumped_ratio * candidate.gas_limit))


def _ceil(number: Fraction) -> int:
    return -(-number.numerator // number.denominator)


def _weight(signed: SignedGroup) -> Fraction:
    resources = max(
        Fraction(signed.size, MANAGER_PASS_SIZE_MAX),
        Fraction(signed.gas_limit, GAS_LIMIT_PER_BLOCK_MAX),
    )
    return signed.fee / resources
