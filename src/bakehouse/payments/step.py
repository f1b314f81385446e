"""How far a distribution has come after a step, and what it waits for. A value, no decisions."""

from dataclasses import dataclass

from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import SETTLED_DISTRIBUTIONS, HookPoint
from bakehouse.rewards.money import Mutez


@dataclass(frozen=True, slots=True)
class HookStop:
    """A hook keeps a distribution waiting."""

    hook: str
    point: HookPoint
    #: Its own word; otherwise it gave none that can be accepted.
    is_veto: bool
    reason: str
    #: Failures in a row.
    failures: int
    #: Until it is asked again.
    wait_seconds: int

    @property
    def words(self) -> str:
        """Say who keeps it waiting, and why."""
        deed = "vetoes" if self.is_veto else "gave no answer that can be accepted"
        return f"the hook {self.hook} {deed} ({self.point}): {self.reason}"


@dataclass(frozen=True, slots=True)
class Step:
    """How far a distribution has come; counts are payouts."""

    distribution: Distribution
    paid: int
    #: What those that are paid, or simulated, have brought their recipients, in mutez.
    paid_mutez: Mutez
    total: int
    #: Kept back until a person decides.
    held: int
    #: Seconds until the next step makes sense; None when there is nothing to do for now.
    wait_seconds: int | None
    waiting_for: str = ""
    #: Hashes of operations of which nobody can prove what became of them.
    quarantined: tuple[str, ...] = ()
    #: Whether it waits for a person to let the baker's first live cycle go.
    awaits_go: bool = False
    #: What keeps the chain from being read, or believed, just now.
    trouble: str | None = None
    #: Which hook keeps it waiting.
    hook_stop: HookStop | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the distribution needs nothing more, ever."""
        return self.distribution.state in SETTLED_DISTRIBUTIONS
