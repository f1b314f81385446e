"""Building the next group: reveal, limits from a simulation, fees, and what it settles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger.operations import Operation
from bakehouse.payments import guard
from bakehouse.payments.batch import TransferIntent, fitting
from bakehouse.payments.guard import Guard
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.payments.storage import storage_burn, storage_bytes
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.tezos.address import Address
from bakehouse.tezos.fees import ENVELOPE_SIZE, fees_for
from bakehouse.tezos.forging import content_size
from bakehouse.tezos.node import SigningContext
from bakehouse.tezos.operation import Content, OperationGroup, Reveal, Transaction
from bakehouse.tezos.receipt import ContentResult, Status, tell_want_of_money
from bakehouse.tezos.signer import Signer

#: The protocol's limit for one signed group, where a node does not list it (octez, mempool).
_OPERATION_BYTES_MAX = 32_768

#: Bytes that a fee of up to 268 tez takes.
_FEE_BYTES = 4


@dataclass(frozen=True, slots=True)
class PreparedGroup:
    """A group ready to be signed, and the intents its transfers fulfil, in order."""

    group: OperationGroup
    context: SigningContext
    intents: tuple[TransferIntent, ...]
    #: Storage that the transfers will burn for, in mutez.
    burns: Mutez
    #: The operation whose counters this group takes, when it pays nobody.
    replaces: Operation | None = None

    @property
    def reveal_count(self) -> int:
        """How many contents come before the first transfer."""
        return len(self.group.contents) - len(self.intents)

    @property
    def total_fee(self) -> Mutez:
        """Sum the fees of all contents, in mutez."""
        return Mutez(sum(content.fee for content in self.group.contents))


@dataclass(frozen=True, slots=True)
class RefusedTransfer:
    """A transfer that the node's simulation refused, and why."""

    intent: TransferIntent
    errors: tuple[str, ...]

    @property
    def is_for_want_of_money(self) -> bool:
        """Whether somebody had too little to spend; it may be the wallet that pays."""
        return tell_want_of_money(self.errors)


async def prepare(
    payer: Payer, signer: Signer, context: SigningContext, wanted: Sequence[TransferIntent]
) -> PreparedGroup | RefusedTransfer:
    """Make the longest allowed group of the first wanted transfers, limits and fees set.

    Everything is read from the one block of `context`. When the simulation refuses a transfer,
    that transfer comes back instead of a group: one bad recipient must not sink the others.
    """
    limits = payer.limits
    intents = tuple(wanted[: limits.transfers_max])
    draft = draft_group(signer, context, intents)
    results = await payer.node.simulate(draft, block=context.head.hash)
    refused = _first_refused(results, len(draft.contents) - len(intents), intents)
    if refused is not None and len(intents) > 1 and not refused.is_for_want_of_money:
        # Among many it may use its part of a block's gas only: alone it may well go through.
        return await prepare(payer, signer, context, [refused.intent])
    if refused is not None:
        return refused
    limited = with_limits(draft, results, context, limits.gas_margin)
    kept = limited[: _count_allowed(limited, context, limits)]
    reveals = len(draft.contents) - len(intents)
    if len(kept) <= reveals:
        gas = limited[reveals].gas_limit
        return RefusedTransfer(intents[0], (f"it takes {gas} gas, too much",))
    group = await with_fees(payer, OperationGroup(context.branch.hash, tuple(kept)))
    failpoint(Failpoint.AFTER_FORGE)
    burns = sum(storage_burn(result, context.constants) for result in results[: len(kept)])
    return PreparedGroup(group, context, intents[: len(kept) - reveals], Mutez(burns))


def _count_allowed(
    contents: Sequence[Content], context: SigningContext, limits: PaymentLimits
) -> int:
    constants = context.constants
    gas_max = constants.hard_gas_limit_per_block * limits.block_gas_percent_max // 100
    bytes_max = (constants.max_operation_data_length or _OPERATION_BYTES_MAX) - ENVELOPE_SIZE
    return min(
        fitting([content.gas_limit for content in contents], gas_max),
        # Their fees are still 0, one byte: what they will be takes a few bytes more.
        fitting([content_size(content) + _FEE_BYTES for content in contents], bytes_max),
    )


def draft_group(
    signer: Signer, context: SigningContext, intents: Sequence[TransferIntent]
) -> OperationGroup:
    """Make a group of transfers, after a reveal where the account needs one; it has no fees yet.

    Its limits are as high as a simulation takes them.
    """
    needs_reveal = context.manager_key is None
    count = len(intents) + needs_reveal
    constants = context.constants
    # A simulation checks limits as a block would: each content may use its part of a block.
    gas = min(constants.hard_gas_limit_per_operation, constants.hard_gas_limit_per_block // count)
    storage = constants.hard_storage_limit_per_operation
    contents: list[Content] = []
    if needs_reveal:
        key = signer.public_key.encode()
        contents.append(Reveal(signer.address, NO_MUTEZ, context.counter + 1, gas, 0, key))
    for intent in intents:
        contents.append(
            Transaction(
                source=signer.address,
                fee=NO_MUTEZ,
                counter=context.counter + 1 + len(contents),
                gas_limit=gas,
                storage_limit=storage,
                amount=intent.amount,
                destination=Address(intent.destination),
            )
        )
    return OperationGroup(context.branch.hash, tuple(contents))


def _first_refused(
    results: Sequence[ContentResult], reveals: int, intents: Sequence[TransferIntent]
) -> RefusedTransfer | None:
    for index, result in enumerate(results):
        # Contents around the failed one are "backtracked" and "skipped": they are not to blame.
        if result.is_to_blame:
            if index < reveals:
                raise guard.refuse(Guard.SIMULATION, f"the reveal would fail: {result.errors}")
            return RefusedTransfer(intents[index - reveals], result.errors)
    if any(result.status is not Status.APPLIED for result in results):
        raise guard.refuse(
            Guard.SIMULATION, "the node's simulation applied nothing and gave no reason"
        )
    return None


def with_limits(
    draft: OperationGroup,
    results: Sequence[ContentResult],
    context: SigningContext,
    gas_margin: int,
) -> list[Content]:
    """Limit each content of a group to what it used in a simulation, and the margin on top."""
    return [
        _limited(content, result, context, gas_margin)
        for content, result in zip(draft.contents, results, strict=True)
    ]


def _limited(
    content: Content, result: ContentResult, context: SigningContext, gas_margin: int
) -> Content:
    gas = -(-result.consumed_milligas // 1000) + gas_margin
    return replace(content, gas_limit=gas, storage_limit=storage_bytes(result, context.constants))


async def with_fees(payer: Payer, group: OperationGroup) -> OperationGroup:
    """Price a group by what the preferred node asks for, and the margin on top."""
    fee_filter = await payer.node.fee_filter()
    fees = fees_for(group, fee_filter, payer.limits.fee_margin)
    priced = zip(group.contents, fees, strict=True)
    return replace(group, contents=tuple(replace(content, fee=fee) for content, fee in priced))
