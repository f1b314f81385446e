"""What transfers take of gas and storage: asked of simulations, several side by side.

A part that is refused is taken apart until each recipient to blame is known by itself, so that none
stands in the way of another. Nothing is signed or stored here.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bakehouse.payments import guard
from bakehouse.payments.batch import TransferIntent
from bakehouse.payments.guard import Guard
from bakehouse.payments.payer import Payer
from bakehouse.payments.storage import storage_bytes
from bakehouse.rewards.money import NO_MUTEZ
from bakehouse.tezos.address import Address
from bakehouse.tezos.node import SigningContext
from bakehouse.tezos.operation import Content, OperationGroup, Reveal, Transaction
from bakehouse.tezos.receipt import ContentResult, Status, tell_want_of_money
from bakehouse.tezos.signer import Signer

Result = TypeVar("Result")

#: More than any reveal takes; that of a tz4, which is to prove its key, takes a third of it.
_REVEAL_GAS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Usage:
    """What one content takes: gas rounded up to whole units, and bytes of storage burnt for."""

    gas: int
    storage: int


@dataclass(frozen=True, slots=True)
class RefusedTransfer:
    """A transfer that the node's simulation refused, all by itself, and why."""

    intent: TransferIntent
    errors: tuple[str, ...]

    @property
    def is_for_want_of_money(self) -> bool:
        """Whether somebody had too little to spend; it may be the wallet that pays."""
        return tell_want_of_money(self.errors)


@dataclass(frozen=True, slots=True)
class Estimates:
    """What each of the wanted transfers takes, in their order, or why it cannot be made."""

    transfers: tuple[tuple[TransferIntent, Usage], ...]
    refused: tuple[RefusedTransfer, ...]
    #: What the reveal in front takes; None where the account needs none.
    reveal: Usage | None


@dataclass(slots=True)
class Estimator:
    """Simulates transfers of one account, all on the block of one context."""

    payer: Payer
    signer: Signer
    context: SigningContext
    _turns: asyncio.Semaphore
    _reveal: Usage | None = None

    @classmethod
    def of(cls, payer: Payer, signer: Signer, context: SigningContext) -> "Estimator":
        """Make one for the account of a signer, at the head of a context."""
        return cls(payer, signer, context, asyncio.Semaphore(payer.limits.simulations_at_once))

    async def estimate(self, wanted: Sequence[TransferIntent]) -> Estimates:
        """Tell of every wanted transfer what it takes, or why it would fail.

        Raises GuardRefusedError for a simulation that fails and blames no recipient, SourceError
        when no node can be asked.
        """
        size = self.payer.limits.simulated_together_max
        parts = [wanted[start : start + size] for start in range(0, len(wanted), size)]
        told = [each for part in await _together(map(self._tell, parts)) for each in part]
        return Estimates(
            transfers=tuple(each for each in told if not isinstance(each, RefusedTransfer)),
            refused=tuple(each for each in told if isinstance(each, RefusedTransfer)),
            reveal=self._reveal,
        )

    async def simulate(self, contents: Sequence[Content]) -> tuple[ContentResult, ...]:
        """Give what contents would do in the block after that of the context."""
        async with self._turns:
            group = OperationGroup(self.context.branch.hash, tuple(contents))
            return await self.payer.node.simulate(group, block=self.context.head.hash)

    async def _tell(
        self, part: Sequence[TransferIntent]
    ) -> list[tuple[TransferIntent, Usage] | RefusedTransfer]:
        if not part:
            return []
        draft = draft_contents(self.signer, self.context, part)
        results = await self.simulate(draft)
        reveals = len(draft) - len(part)
        culprit = first_to_blame(results, reveals)
        if reveals:
            self._reveal = self.usage(results[0])
        transfers = results[reveals:]
        if culprit is None:
            pairs = zip(part, transfers, strict=True)
            return [(intent, self.usage(result)) for intent, result in pairs]
        if len(part) == 1:
            return [RefusedTransfer(part[0], transfers[0].errors)]
        # The one to blame had only its part of a block's gas: alone it may well go through. Those
        # after it were not tried; by halves, as there may be more of its kind among them.
        rest = part[culprit + 1 :]
        middle = (len(rest) + 1) // 2
        parts = (part[:culprit], [part[culprit]], rest[:middle], rest[middle:])
        return [each for told in await _together(map(self._tell, parts)) for each in told]

    def usage(self, result: ContentResult) -> Usage:
        """Read what one content took in a simulation."""
        gas = -(-result.consumed_milligas // 1000)
        return Usage(gas, storage_bytes(result, self.context.constants))


def draft_contents(
    signer: Signer, context: SigningContext, intents: Sequence[TransferIntent]
) -> list[Content]:
    """Make transfers, after a reveal where the account needs one, to be simulated; without fees.

    Their limits are as high as a simulation takes them: it checks limits as a block would, so that
    each content may use its part of a block.
    """
    constants = context.constants
    reveal = Usage(_REVEAL_GAS if context.manager_key is None else 0, storage=0)
    part = (constants.hard_gas_limit_per_block - reveal.gas) // max(len(intents), 1)
    most = Usage(
        min(constants.hard_gas_limit_per_operation, part),
        constants.hard_storage_limit_per_operation,
    )
    return contents_of(signer, context, [(intent, most) for intent in intents], reveal)


def contents_of(
    signer: Signer,
    context: SigningContext,
    transfers: Sequence[tuple[TransferIntent, Usage]],
    reveal: Usage | None,
) -> list[Content]:
    """Make the contents of a group with these limits, counted on from the account; without fees."""
    contents: list[Content] = []
    if context.manager_key is None and reveal is not None:
        key = signer.public_key.encode()
        first = context.counter + 1
        contents.append(Reveal(signer.address, NO_MUTEZ, first, reveal.gas, reveal.storage, key))
    for intent, limits in transfers:
        contents.append(
            Transaction(
                source=signer.address,
                fee=NO_MUTEZ,
                counter=context.counter + 1 + len(contents),
                gas_limit=limits.gas,
                storage_limit=limits.storage,
                amount=intent.amount,
                destination=Address(intent.destination),
            )
        )
    return contents


def first_to_blame(results: Sequence[ContentResult], reveals: int) -> int | None:
    """Give the place of the transfer that undid its group; None when all would be applied.

    Raises GuardRefusedError when that was no transfer, or cannot be told.
    """
    for index, result in enumerate(results):
        # Contents around the failed one are "backtracked" and "skipped": they are not to blame.
        if result.is_to_blame:
            if index < reveals:
                raise guard.refuse(Guard.SIMULATION, f"the reveal would fail: {result.errors}")
            return index - reveals
    if any(result.status is not Status.APPLIED for result in results):
        raise guard.refuse(
            Guard.SIMULATION, "the node's simulation applied nothing and gave no reason"
        )
    return None


async def _together(asked: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Await all of them side by side; when one fails, the others are given up."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in asked]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]
