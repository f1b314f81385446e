"""Where each baker stands and what comes next: the ledger's word beside what the queue knows."""

from collections.abc import Collection
from dataclasses import dataclass

from bakehouse.desk.outlook import Outlook, outlooks
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers
from bakehouse.payments.standing import Standing, standing_of


@dataclass(frozen=True, slots=True)
class Overview:
    """One baker: what the ledger says, and its outlook; None while the queue does not answer."""

    standing: Standing
    outlook: Outlook | None

    @property
    def cycles_covered(self) -> int | None:
        """For how many cycles the wallet lasts, as far as that is known."""
        if self.outlook is None or self.outlook.balance is None:
            return None
        return self.standing.cycles_covered(self.outlook.balance.balance)


async def overviews(workshop: Workshop, *, of: Collection[str] | None = None) -> list[Overview]:
    """Tell where these bakers (or all) stand, in the order they came; one moment of the ledger."""
    async with workshop.payer.ledger.read() as tx:
        wanted = [each for each in await bakers.everyone(tx) if of is None or each.baker_id in of]
        standings = [await standing_of(tx, baker) for baker in wanted]
    known = await outlooks(workshop, wanted) or {}
    return [Overview(each, known.get(each.baker.baker_id)) for each in standings]


async def overview(workshop: Workshop, baker_id: str) -> Overview:
    """Tell where one baker stands; raises NotFoundError."""
    async with workshop.payer.ledger.read() as tx:
        standing = await standing_of(tx, await bakers.get(tx, baker_id))
    known = await outlooks(workshop, [standing.baker]) or {}
    return Overview(standing, known.get(baker_id))
