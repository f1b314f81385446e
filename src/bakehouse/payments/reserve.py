"""What a wallet must keep: what it owes already, and what cycles that are over cost. No chain."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import bakers, distributions, payouts
from bakehouse.ledger.cycle_costs import expected_costs
from bakehouse.ledger.states import Mode
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
            costs = await expected_costs(tx, baker.baker_id)
            owed += unplanned * costs.get(baker.baker_id, NO_MUTEZ)
    return Mutez(owed)
