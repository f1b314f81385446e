"""Reading again what another tool has paid, as its history was imported. Changes nothing."""

from collections.abc import Sequence

from bakehouse.ledger import imports
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.imports import PaidBefore
from bakehouse.payments.payer import Payer
from bakehouse.payments.verification import DifferenceKind, Verification
from bakehouse.rewards.money import format_tez
from bakehouse.tezos.address import Address


async def check_imported(
    payer: Payer, baker: Baker, chosen: Sequence[Distribution], result: Verification
) -> None:
    """Match every payout that another tool paid with the operation it names, on the indexer.

    Raises SourceError when the chain cannot be read.
    """
    after_level = await payer.indexer.cycle_last_level(min(each.key.cycle for each in chosen))
    _, sent = await payer.indexer.sent_transfers(
        Address(baker.payout_address), after_level=after_level
    )
    # Most were sent from the wallet that pays today: the others are asked for one by one.
    applied = {(each.operation_hash, each.destination) for each in sent}
    asked = {operation_hash for operation_hash, _ in applied}
    for distribution in chosen:
        async with payer.ledger.read() as tx:
            paid = await imports.paid_before(tx, distribution)
        for payment in paid:
            result.payouts += 1
            result.mutez += payment.amount
            named = payment.operation_hash
            if named is None:
                result.unproven += 1
                continue
            if named not in asked:
                found = await payer.indexer.applied_transfers(named)
                applied |= {(named, each.destination) for each in found}
                asked.add(named)
            if (named, payment.address) not in applied:
                result.differ(DifferenceKind.PAYOUT, distribution.key.cycle, _words(payment))


def _words(payment: PaidBefore) -> str:
    return (
        f"{payment.owed_to} is called paid {format_tez(payment.amount)} tez by the imported "
        f"operation {payment.operation_hash}, which has not paid it"
    )
