"""Building the next group: how much fits, limits from simulations, fees, and what it settles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger.operations import Operation
from bakehouse.payments import guard
from bakehouse.payments.batch import TransferIntent, fitting
from bakehouse.payments.estimate import (
    Estimates,
    Estimator,
    RefusedTransfer,
    Usage,
    contents_of,
    first_to_blame,
)
from bakehouse.payments.guard import Guard
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.payments.room import Room
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.tezos.address import is_contract
from bakehouse.tezos.fees import FeeFilter, fees_for, shared_fee
from bakehouse.tezos.forging import content_size
from bakehouse.tezos.node import SigningContext
from bakehouse.tezos.operation import Content, OperationGroup, Transaction
from bakehouse.tezos.signer import Signer

#: Bytes that a fee of up to 268 tez takes.
_FEE_BYTES: Final = 4

#: About what a transfer between accounts takes: says how many are worth a simulation, no more.
_TRANSFER_GAS: Final = 2_100
_TRANSFER_BYTES: Final = 55

#: The first content of a group pays for the signature over all of its bytes: more than what that is
#: for the largest group, whatever the key.
_SIGNATURE_GAS: Final = 1_200


@dataclass(frozen=True, slots=True)
class PreparedGroup:
    """A group ready to be signed, and the intents its transfers fulfil, in order."""

    group: OperationGroup
    context: SigningContext
    intents: tuple[TransferIntent, ...]
    #: Storage that the transfers will burn for, in mutez.
    burns: Mutez
    #: What its first content pays for all of it, in mutez.
    shared_fee: Mutez = NO_MUTEZ
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
class Preparation:
    """The next group, if anything can be paid, and whom it leaves out because they cannot be."""

    prepared: PreparedGroup | None
    refused: tuple[RefusedTransfer, ...] = ()


async def prepare(
    payer: Payer,
    signer: Signer,
    context: SigningContext,
    room: Room,
    wanted: Sequence[TransferIntent],
) -> Preparation:
    """Make the longest group of the first wanted transfers that there is room for.

    Everything is read from the one block of `context`. Transfers that would fail come back beside
    the group, each for its own reason: one bad recipient must not sink the others.
    """
    limits = payer.limits
    estimator = Estimator.of(payer, signer, context)
    tried = wanted[: min(limits.transfers_max, _worth_trying(room))]
    estimates = await estimator.estimate(tried)
    payable, oversized = _payable(estimates, room, limits)
    refused = (*estimates.refused, *oversized)
    if not payable:
        return Preparation(None, refused)
    intents = tuple(intent for intent, _ in payable)
    contents = limited(contents_of(signer, context, payable, estimates.reveal), limits)
    contents = contents[: _count_fitting(contents, len(intents), room)]
    fee_filter = await payer.node.fee_filter()
    if (len(tried) > limits.simulated_together_max or refused) and _is_covered(contents, context):
        # Its parts went through one by one. As a whole its first content bears the signature over
        # all of it, and the others none.
        contents = await _confirmed(estimator, contents, fee_filter)
    group = priced(context, contents, fee_filter, limits)
    failpoint(Failpoint.AFTER_FORGE)
    kept = intents[: sum(isinstance(each, Transaction) for each in contents)]
    prepared = PreparedGroup(
        group,
        context,
        kept,
        _burns(contents, context),
        shared_fee(fee_filter, limits.fee_margin),
    )
    return Preparation(prepared, refused)


def priced(
    context: SigningContext,
    contents: Sequence[Content],
    fee_filter: FeeFilter,
    limits: PaymentLimits,
) -> OperationGroup:
    """Make a group of contents whose limits are final, for a node's prices and the margin on top.

    Whatever it is that changes an amount once the costs are known, comes after this.
    """
    group = OperationGroup(context.branch.hash, tuple(contents))
    fees = fees_for(group, fee_filter, limits.fee_margin)
    pairs = zip(group.contents, fees, strict=True)
    return replace(group, contents=tuple(replace(content, fee=fee) for content, fee in pairs))


def _payable(
    estimates: Estimates, room: Room, limits: PaymentLimits
) -> tuple[list[tuple[TransferIntent, Usage]], list[RefusedTransfer]]:
    """Tell those apart that take more than any group may have."""
    payable: list[tuple[TransferIntent, Usage]] = []
    oversized: list[RefusedTransfer] = []
    in_front = estimates.reveal.gas + limits.gas_margin if estimates.reveal else 0
    for intent, usage in estimates.transfers:
        gas = usage.gas + limits.gas_margin
        if in_front + gas > room.most_gas:
            oversized.append(RefusedTransfer(intent, (f"it takes {gas} gas, too much",)))
        else:
            payable.append((intent, usage))
    return payable, oversized


def _worth_trying(room: Room) -> int:
    """Count the transfers that fit, were they all of the smallest kind; at least one."""
    return max(min(room.gas // _TRANSFER_GAS, room.size_bytes // _TRANSFER_BYTES), 1)


def limited(contents: Sequence[Content], limits: PaymentLimits) -> list[Content]:
    """Add to the gas of each content what it may take beyond what a simulation said."""
    return [
        replace(content, gas_limit=content.gas_limit + _margin(index, content, limits))
        for index, content in enumerate(contents)
    ]


def _margin(index: int, content: Content, limits: PaymentLimits) -> int:
    # A contract may do something else in its block, and the first content pays for the signature
    # over bytes that are still to change; what a plain transfer takes is known.
    is_code = isinstance(content, Transaction) and is_contract(content.destination)
    return limits.gas_margin if is_code or index == 0 else limits.plain_gas_margin


def _count_fitting(contents: Sequence[Content], transfers: int, room: Room) -> int:
    """Count the first contents that there is room for; up to the first transfer in any case."""
    count = min(
        fitting([content.gas_limit for content in contents], room.gas - _SIGNATURE_GAS),
        # Their fees are still 0, one byte: what they will be takes a few bytes more.
        fitting([content_size(each) + _FEE_BYTES for each in contents], room.size_bytes),
    )
    return max(count, len(contents) - transfers + 1)


def _burns(contents: Sequence[Content], context: SigningContext) -> Mutez:
    storage = sum(content.storage_limit for content in contents)
    return Mutez(storage * context.constants.cost_per_byte)


def _is_covered(contents: Sequence[Content], context: SigningContext) -> bool:
    # Else nothing can be learnt from a simulation but that; and nothing is going to be signed.
    amounts = sum(each.amount for each in contents if isinstance(each, Transaction))
    return amounts + _burns(contents, context) <= context.balance


async def _confirmed(
    estimator: Estimator, contents: list[Content], fee_filter: FeeFilter
) -> list[Content]:
    """Have a group simulated as it will be signed, and lower its limits to what it took.

    What goes through by itself and fails among others waits for a group that it comes first in.
    Raises GuardRefusedError for a group that is refused in whole.
    """
    context, limits = estimator.context, estimator.payer.limits
    reveals = sum(not isinstance(content, Transaction) for content in contents)
    while True:
        draft = priced(context, _with_signature_gas(contents, context), fee_filter, limits)
        results = await estimator.simulate(draft.contents)
        culprit = first_to_blame(results, reveals)
        if culprit is None:
            break
        if len(contents) == reveals + 1:
            raise guard.refuse(
                Guard.SIMULATION,
                f"a transfer goes through by itself and then not: {results[-1].errors}",
            )
        contents = contents[: reveals + max(culprit, 1)]
    return [
        _lowered(content, estimator.usage(result), most.gas_limit, _margin(index, content, limits))
        for index, (content, result, most) in enumerate(
            zip(contents, results, draft.contents, strict=True)
        )
    ]


def _with_signature_gas(contents: Sequence[Content], context: SigningContext) -> list[Content]:
    """Give the first content gas for the signature over more bytes than it was simulated with."""
    constants = context.constants
    first, *others = contents
    spare = constants.hard_gas_limit_per_block - sum(each.gas_limit for each in contents)
    most = constants.hard_gas_limit_per_operation - first.gas_limit
    return [
        replace(first, gas_limit=first.gas_limit + max(min(_SIGNATURE_GAS, spare, most), 0)),
        *others,
    ]


def _lowered(content: Content, usage: Usage, gas_max: int, margin: int) -> Content:
    return replace(content, gas_limit=min(usage.gas + margin, gas_max), storage_limit=usage.storage)
