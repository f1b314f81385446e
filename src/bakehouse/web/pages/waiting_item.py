"""What waits for a person, as a box of a form names it: what it is, never how much it is."""

from dataclasses import dataclass
from typing import Final

from bakehouse.desk.decisions import CycleOf
from bakehouse.desk.waiting import Waiting
from bakehouse.errors import InputError
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.web.cycle_records import CYCLE_MAX
from bakehouse.web.pages.filled_form import whole_number

_SEPARATOR: Final = "|"


@dataclass(frozen=True, slots=True)
class WaitingItem:
    """A cycle; of it a recipient or an operation when one is named."""

    cycle: CycleOf
    owed_to: str | None = None
    operation: str | None = None

    def __str__(self) -> str:
        """Write it as the value of a box."""
        which = self.cycle
        parts = (which.baker_id, str(which.cycle), which.kind, which.mode)
        return _SEPARATOR.join((*parts, self.owed_to or "", self.operation or ""))

    @property
    def words(self) -> str:
        """Name it for a person."""
        kind = "" if self.cycle.kind is DistributionKind.DELEGATORS else ", bond pool"
        whole = f"cycle {self.cycle.cycle}{kind} of {self.cycle.baker_id}"
        part = self.owed_to or self.operation
        return f"{part}, {whole}" if part else whole


def item_of(waiting: Waiting) -> WaitingItem:
    """Name what waits."""
    which = CycleOf(waiting.baker_id, waiting.cycle, waiting.distribution_kind, waiting.mode)
    return WaitingItem(which, waiting.owed_to, waiting.operation)


def read_item(text: str) -> WaitingItem:
    """Read the value of a box; raises InputError for one that no page of ours has."""
    try:
        baker_id, cycle, kind, mode, owed_to, operation = text.split(_SEPARATOR)
        number = whole_number(cycle, CYCLE_MAX)
        which = CycleOf(baker_id, number, DistributionKind(kind), Mode(mode))
    except ValueError as error:
        raise InputError(f"{text[:200]!r} is nothing that waits") from error
    return WaitingItem(which, owed_to or None, operation or None)
