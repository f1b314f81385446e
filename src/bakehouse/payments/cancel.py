"""Cancelling what is in flight, on a person's word: its counters are used up by paying oneself.

Whichever of the two groups is included first, the other can never be. Which one it was is read
from blocks, like everything else.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import SourceMalformedError
from bakehouse.ledger import new_operations
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.new_operations import NewOperation, SignedFor
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import IN_FLIGHT, OperationKind
from bakehouse.payments.batch import unasked
from bakehouse.payments.estimate import Estimator, contents_of, draft_contents
from bakehouse.payments.payer import Payer
from bakehouse.payments.prepare import PreparedGroup, limited, priced
from bakehouse.payments.sign import sign_and_keep
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.tezos.address import Address
from bakehouse.tezos.operation import OperationGroup
from bakehouse.tezos.receipt import Status

_log = structlog.get_logger(__name__)

#: A node lets a pending group be replaced for 5 % more, of the fee and of the fee for a unit of
#: gas (octez, mempool plugin); a mutez more leaves rounding out of it.
_BETTER_PERCENT: Final = 105

_ONE_MUTEZ: Final = Mutez(1)


async def sign_requested(payer: Payer, lease: Lease, unfinished: Sequence[Operation]) -> bool:
    """Sign and store the cancellation a person asked for, if there is one to make; else False.

    It is sent by whoever watches next.
    """
    doomed = _doomed(unfinished)
    if doomed is None:
        return False
    signer = await payer.signers.of(Address(doomed.source))
    limits = payer.limits
    context = await payer.node.signing_context(signer.address, life_blocks=limits.life_blocks)
    if context.counter >= doomed.counter_first:
        # One of its counters is used already: there is nothing left to take from it.
        return False
    to_self = unasked(signer.address, _ONE_MUTEZ)
    estimator = Estimator.of(payer, signer, context)
    results = await estimator.simulate(draft_contents(signer, context, [to_self]))
    if any(result.status is not Status.APPLIED for result in results):
        raise SourceMalformedError(f"the cancellation of {doomed.hash} cannot be simulated")
    *reveals, usage = map(estimator.usage, results)
    contents = contents_of(signer, context, [(to_self, usage)], reveals[0] if reveals else None)
    fee_filter = await payer.node.fee_filter()
    group = priced(context, limited(contents, limits), fee_filter, limits)
    prepared = PreparedGroup(
        _outbidding(group, doomed), context, (to_self,), NO_MUTEZ, replaces=doomed
    )
    signed_for = SignedFor(
        doomed.network, doomed.baker_id, doomed.distribution_id, f"cancels {doomed.hash}"
    )

    async def store(tx: AsyncConnection, new: NewOperation) -> None:
        await new_operations.store(tx, signed_for, new, lease, at=payer.clock())

    operation_hash = await sign_and_keep(payer, signer, prepared, OperationKind.CANCEL, store)
    _log.warning("cancellation-signed", operation=operation_hash, cancels=doomed.hash)
    return True


def _doomed(unfinished: Sequence[Operation]) -> Operation | None:
    in_flight = [each for each in unfinished if each.state in IN_FLIGHT]
    # With anything else of the source in flight, one of the two is about to be decided.
    if len(in_flight) != 1 or in_flight[0].kind is OperationKind.CANCEL:
        return None
    return in_flight[0] if in_flight[0].cancel_requested_at is not None else None


def _outbidding(group: OperationGroup, doomed: Operation) -> OperationGroup:
    fee = sum(content.fee for content in group.contents)
    gas = sum(content.gas_limit for content in group.contents)
    for_fee = doomed.total_fee * _BETTER_PERCENT // 100 + 1
    for_gas = doomed.total_fee * gas * _BETTER_PERCENT // (100 * doomed.gas_limit) + 1
    missing = max(0, for_fee - fee, for_gas - fee)
    first = group.contents[0]
    raised = replace(first, fee=Mutez(first.fee + missing))
    return replace(group, contents=(raised, *group.contents[1:]))
