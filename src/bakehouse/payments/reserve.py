"""What a wallet must keep: what it owes already, and what cycles that are over cost. No chain."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import bakers, distributions, payouts
from bakehouse.ledger.states import Mode
from bakehouse.payments.expected_cost import expected_cost
from bakehouse.rewards.money import NO_MUTEZ, Mutez


async def owed_by_wallet(tx: AsyncConnection, source: str) -> Mutez:
    """Sum what is owed from a wallet; a cycle that is over and not planned counts like the last."""
    owed = int(await payouts.owed_from(tx, source))
    for baker in await bakers.everyone(tx):
        if baker.payout_address != source or baker.mode is not Mode.ON:
            continue
        unsettled = await distributions.unsettled(tx, baker.baker_id)
        unplanned = sum(each.key.mode is Mode.ON and not each.is_planned for each in unsettled)
        if unplanned:
            owed += unplanned * (await expected_cost(tx, baker) or NO_MUTEZ)
    return Mutez(owed)
