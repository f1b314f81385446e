"""What one person is owed by a baker, cycle by cycle, and what became of it, as pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import exclusions
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.states import PayoutState
from bakehouse.ledger.traced_payouts import (
    OwedSums,
    TracedPayout,
    live_cycles,
    of_person,
    sums_of_person,
)
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.rewards.plan_values import Exclusion
from bakehouse.web.cycle_records import OFFSET_MAX

#: Cycles on one page.
_CYCLES: Final = 50


class PersonQuery(BaseModel):
    """From which of the baker's cycles on, counted from the newest."""

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0


@dataclass(frozen=True, slots=True)
class PersonView:
    """A page of cycles, and sums over all of them; amounts in mutez."""

    address: str
    rows: Sequence[TracedPayout]
    sums: Mapping[PayoutState, OwedSums]
    #: The cycles of this page in which it was excluded.
    exclusions: Sequence[tuple[int, Exclusion]]
    previous_offset: int | None
    next_offset: int | None

    @property
    def owed(self) -> Mutez:
        """Everything ever owed."""
        return Mutez(sum(each.net for each in self.sums.values()))

    @property
    def paid(self) -> Mutez:
        """What of it has arrived."""
        return Mutez(self.sum_of(PayoutState.PAID) - self.withheld)

    @property
    def withheld(self) -> Mutez:
        """What of what is paid went into the costs of its transfers."""
        sums = self.sums.get(PayoutState.PAID)
        return sums.withheld if sums else NO_MUTEZ

    @property
    def open(self) -> Mutez:
        """What of it is neither paid nor withheld."""
        return Mutez(self.owed - self.paid - self.withheld)

    @property
    def under_way(self) -> Mutez:
        """What of it goes on by itself."""
        return Mutez(self.sum_of(PayoutState.OWED) + self.sum_of(PayoutState.ASSIGNED))

    def sum_of(self, state: PayoutState) -> Mutez:
        """Give what was owed of what is in a state."""
        sums = self.sums.get(state)
        return sums.net if sums else NO_MUTEZ


async def read_person(tx: AsyncConnection, baker: Baker, address: str, offset: int) -> PersonView:
    """Read what a person is owed in live mode."""
    cycles = await live_cycles(tx, baker.network, baker.baker_id)
    page = cycles[offset : offset + _CYCLES]
    has_more = offset + _CYCLES < len(cycles)
    return PersonView(
        address=address,
        rows=await of_person(tx, baker.network, baker.baker_id, address, page),
        sums=await sums_of_person(tx, baker.network, baker.baker_id, address, cycles),
        exclusions=await exclusions.of_person(tx, baker.network, baker.baker_id, address, page),
        previous_offset=max(0, offset - _CYCLES) if offset else None,
        next_offset=offset + _CYCLES if has_more else None,
    )
