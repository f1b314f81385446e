"""What the parts of the tests with real processes tell each other. Values only, nothing is done."""

import os
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from bakehouse.failpoints import Failpoint
from bakehouse.payments.payer import PaymentLimits
from bakehouse.tezos.keys import SecretKey


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """A chain that is served, as somebody who is to pay on it must know it."""

    chain_id: str
    baker_id: str
    payout_key: SecretKey
    first_cycle: int
    node_urls: tuple[str, ...]
    indexer_url: str
    #: POST to it bakes a block: whoever waits for one asks for it.
    bake_url: str


class ExitCode(IntEnum):
    """How a life ends that nobody takes."""

    SETTLED = 0
    STOPPED = 10  # told to stop by SIGTERM, and did
    UNREST = 11  # what is due was not settled after very many steps
    BROKEN = 12  # an error that nobody foresaw; the report has it


@dataclass(frozen=True, slots=True)
class Order:
    """What one life is told; it knows nothing else of those before it than the database."""

    chain: ChainFacts
    database: Path
    #: A line is added for all that is passed and waited for.
    report: Path
    last_cycle: int
    limits: PaymentLimits
    #: The signal it sends itself, at the so many-th passing of this place (None: of any place).
    signal: int | None = None
    place: Failpoint | None = None
    passing: int = 1
    #: Whether it boots through the migrations, as every start of Bakehouse does.
    boots: bool = False
    #: How long the machine was away: the lease of who was killed before has run out.
    clock_ahead_seconds: int = 0
    #: Whether SIGTERM lets it end its step, as `bakehouse run` does; else the step is cancelled.
    has_grace: bool = True
    #: Seconds after which an unanswered request is given up.
    attempt_seconds: float = 2.0
    #: Whether others are at work, so that it may find done what it was about to do.
    has_company: bool = False
    #: A way to break the code.
    mutant: str = "none"


@dataclass(frozen=True, slots=True, repr=False)
class End:
    """How a life ended, or that it was stopped for now."""

    pid: int
    #: As `waitpid` has it.
    status: int
    report: Path

    @property
    def killed_by(self) -> int | None:
        """The signal that ended it."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None

    @property
    def is_stopped(self) -> bool:
        """Whether it sleeps, until SIGCONT."""
        return os.WIFSTOPPED(self.status)

    @property
    def code(self) -> ExitCode | None:
        """How it ended by itself."""
        return ExitCode(os.WEXITSTATUS(self.status)) if os.WIFEXITED(self.status) else None

    @property
    def lines(self) -> list[str]:
        """What it passed, waited for and met, in order."""
        return self.report.read_text().splitlines() if self.report.exists() else []

    def __repr__(self) -> str:
        how = self.code.name if self.code is not None else f"signal {self.killed_by}"
        return f"{how} after: {' | '.join(self.lines[-30:])}"
