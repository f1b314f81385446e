"""The result of a paid cycle, read from the ledger and proven from the chain's own blocks."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from bakehouse.errors import RefusalError
from bakehouse.ledger import distributions, operations, payouts
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.ledger.transfers import total_burn, transfers_of
from bakehouse.payments.payer import Payer
from bakehouse.sandbox.transfer_record import TransferRecord


async def outcome_of(
    payer: Payer, key: DistributionKey, on_chain: Iterable[TransferRecord]
) -> dict[str, Any]:
    """Sum up a paid distribution, amounts in mutez.

    `on_chain` is what the payout address transferred, read from blocks. Raises RefusalError when
    the blocks do not show exactly what the ledger calls paid.
    """
    async with payer.ledger.read() as tx:
        distribution = await distributions.get(tx, key)
        planned = await payouts.of_distribution(tx, distribution)
        signed = await operations.of_distribution(tx, distribution.id)
        transfers = {each.hash: await transfers_of(tx, each.id) for each in signed}
        burned = await total_burn(tx, distribution.id)
    final = [each for each in signed if each.state is OperationState.FINAL and each.applied]
    paid = [payout for payout in planned if payout.state is PayoutState.PAID]
    total = sum(payout.received for payout in paid)
    booked = Counter(
        (each.hash, transfer.destination, transfer.amount)
        for each in final
        for transfer in transfers[each.hash]
    )
    seen = Counter(
        (record.operation_hash, record.destination, record.amount)
        for record in on_chain
        if record.status == "applied" and record.operation_hash in transfers
    )
    if booked != seen or sum(amount for _, _, amount in seen.elements()) != total:
        raise RefusalError("the chain's blocks do not show what the ledger calls paid")
    return {
        "baker": key.baker_id,
        "cycle": key.cycle,
        "delegators": len(planned),
        "paid": len(paid),
        "total_mutez": total,
        "fees_mutez": sum(each.total_fee for each in final),
        "burned_mutez": burned,
        "operations": [
            {"hash": each.hash, "level": each.included_level, "count": len(transfers[each.hash])}
            for each in final
        ],
    }
