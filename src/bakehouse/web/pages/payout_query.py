"""Which payouts of a cycle a reader wants: the same words in a page's address and an export's."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from bakehouse.ledger.states import DistributionKind, Mode, PayoutState
from bakehouse.ledger.traced_payouts import PayoutFilter


class PlanQuery(BaseModel):
    """Which of a cycle's plans is shown: the live one or the simulated one."""

    mode: Mode = Mode.ON


class PayoutQuery(BaseModel):
    """Which of the cycle's distributions, and which of its payouts."""

    kind: DistributionKind = DistributionKind.DELEGATORS
    mode: Mode = Mode.ON
    #: Empty for every state: so a form sends it.
    state: PayoutState | Literal[""] = ""
    #: Whom they are owed to: an address, or how it begins.
    to: Annotated[str, Field(max_length=64, pattern=r"^\s*[0-9A-Za-z]*\s*$")] = ""

    @property
    def wanted(self) -> PayoutFilter:
        """Give it as the ledger asks for it."""
        states = frozenset({self.state}) if self.state else frozenset()
        return PayoutFilter(states, self.to.strip())
