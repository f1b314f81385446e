"""What a payout wallet lacks: for whoever sends funds to it. To read."""

from dataclasses import dataclass

from bakehouse.desk.outlook import outlooks
from bakehouse.jobs.processors.poll_balance import KnownBalance
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.cycle_costs import expected_costs
from bakehouse.payments.reserve import owed_by_wallet
from bakehouse.rewards.money import NO_MUTEZ, Mutez


@dataclass(frozen=True, slots=True)
class Funding:
    """A payout wallet and what it should hold; amounts in mutez."""

    baker: Baker
    #: As it was read last; None while that is not known.
    balance: KnownBalance | None
    #: What it owes now, what a cycle like the last one takes, or its target: the largest.
    wanted: Mutez
    #: What it owes now.
    owed: Mutez

    @property
    def missing(self) -> Mutez | None:
        """What should be sent to it; None while the balance is not known."""
        if self.balance is None:
            return None
        return Mutez(max(0, self.wanted - self.balance.balance))


async def funding(workshop: Workshop, baker_id: str) -> Funding:
    """Tell what a baker's payout wallet lacks; raises NotFoundError for an unknown baker."""
    async with workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        owed = await owed_by_wallet(tx, baker.payout_address)
        cycle = (await expected_costs(tx, baker_id)).get(baker_id, NO_MUTEZ)
    known = await outlooks(workshop, [baker])
    balance = None if known is None else known[baker_id].balance
    wanted = Mutez(max(owed, cycle, baker.target_balance or NO_MUTEZ))
    return Funding(baker, balance, wanted, owed)
