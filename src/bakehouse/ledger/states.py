"""States of everything that moves, and the only moves there are: data for code, SQL and docs."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Mode(StrEnum):
    """What a baker lets Bakehouse do."""

    OFF = "off"
    SIMULATION = "simulation"
    ON = "on"


class DistributionKind(StrEnum):
    """Who a distribution is for."""

    DELEGATORS = "delegators"
    BOND_POOL = "bond_pool"


class DistributionState(StrEnum):
    """How far one cycle's distribution has come."""

    SEEN = "seen"  # -> rewards_pending: the cycle is over
    REWARDS_PENDING = "rewards_pending"  # -> planned: rewards are final and were read
    PLANNED = "planned"  # -> paying | simulated
    PAYING = "paying"  # -> paid: every payout is settled
    PAID = "paid"  # -> paying: a person released a payout that was held
    SIMULATED = "simulated"
    FAILED = "failed"  # -> rewards_pending | planned | paying: a person or a retry goes on


class PayoutState(StrEnum):
    """What became of one payout."""

    OWED = "owed"  # -> assigned | held | carried (it would not cover the cost it bears)
    ASSIGNED = "assigned"  # -> paid | owed (its operation is dead) | held (its transfer failed)
    PAID = "paid"
    CARRIED = "carried"  # -> owed: a later cycle pays it, or lifted the sum over the minimum
    HELD = "held"  # -> owed | dropped: a person decided
    DROPPED = "dropped"
    SIMULATED = "simulated"


class OperationKind(StrEnum):
    """What a signed operation group is for."""

    PAYOUT = "payout"
    CANCEL = "cancel"  # takes the counters of another group, so that only one of the two can be
    MANUAL = "manual"  # outside any cycle: a transfer by hand, a reveal, a top-up


class OperationState(StrEnum):
    """Where one signed operation group is."""

    SIGNED = "signed"  # -> injected: about to be sent for the first time
    INJECTED = "injected"  # -> included | dead | quarantined
    INCLUDED = "included"  # -> final | injected (a reorganisation took it out)
    QUARANTINED = "quarantined"  # -> included | dead | injected: proof was found, or a person spoke
    FINAL = "final"
    DEAD = "dead"


class Death(StrEnum):
    """Why an operation can never be in a block any more."""

    EXPIRED = "expired"  # its branch is too old for every block to come
    SUPERSEDED = "superseded"  # another operation used its counter
    DECLARED = "declared"  # a person took the responsibility


class ManualOrigin(StrEnum):
    """Where an order outside any cycle comes from."""

    TRANSFER = "transfer"
    REVEAL = "reveal"
    EXTRA = "extra-payment"  # makes good that somebody was paid too little
    TOP_UP = "top-up"  # from the funding wallet to the payout wallet


class ManualState(StrEnum):
    """What became of such an order."""

    WANTED = "wanted"  # -> assigned | failed: it was refused, or given up, before it was signed
    ASSIGNED = "assigned"  # -> done | wanted (its operation is dead) | failed (on chain)
    DONE = "done"
    FAILED = "failed"  # nothing has moved -> wanted: the same order was given again


class Telling(StrEnum):
    """What a channel is told of an alert."""

    RAISED = "raised"
    REPEATED = "repeated"  # it is still there, and nobody acknowledged it
    CLOSED = "closed"  # its cause is gone
    TEST = "test"  # of no alert: a person tries the channel


class DeliveryState(StrEnum):
    """What became of one message to one channel."""

    PENDING = "pending"  # -> sent | failed: after its last attempt
    SENT = "sent"
    FAILED = "failed"  # -> sent: a person has the job run again


class ChannelPurpose(StrEnum):
    """What a channel is for."""

    ALERTS = "alerts"
    ANNOUNCEMENTS = "announcements"
    BOTH = "both"

    @property
    def is_for_alerts(self) -> bool:
        """Whether it is told what deserves an operator's attention."""
        return self is not ChannelPurpose.ANNOUNCEMENTS

    @property
    def is_for_announcements(self) -> bool:
        """Whether it is told what everybody may know."""
        return self is not ChannelPurpose.ALERTS


class AnnouncementState(StrEnum):
    """What became of one announcement on one channel: it is said at most once."""

    PENDING = "pending"  # -> sending | failed (nobody wants it any more)
    SENDING = "sending"  # -> sent | pending | failed (surely not taken) | unsure
    SENT = "sent"
    UNSURE = "unsure"  # -> pending | failed: a person looked, and says so
    FAILED = "failed"  # -> pending: a person has it tried again


class HookKind(StrEnum):
    """What a hook is."""

    PROGRAM = "program"
    WEBHOOK = "webhook"


class HookPoint(StrEnum):
    """When a hook is asked or told."""

    PLAN_MADE = "plan-made"  # asked: may propose adjustments
    BEFORE_PAYING = "before-paying"  # asked: may veto
    PAID = "paid"  # told
    HELD = "held"  # told

    @property
    def is_asked(self) -> bool:
        """Whether nothing goes on before it has answered."""
        return self in {HookPoint.PLAN_MADE, HookPoint.BEFORE_PAYING}


class Verdict(StrEnum):
    """What came of asking a hook."""

    ALLOWED = "allowed"
    VETOED = "vetoed"
    FAILED = "failed"  # no answer, or none that can be accepted


def _moves(table: dict[StrEnum, set[StrEnum]]) -> Mapping[str, frozenset[str]]:
    return MappingProxyType(
        {str(left): frozenset(map(str, entered)) for left, entered in table.items()}
    )


DISTRIBUTION_MOVES = _moves(
    {
        DistributionState.SEEN: {DistributionState.REWARDS_PENDING, DistributionState.FAILED},
        DistributionState.REWARDS_PENDING: {DistributionState.PLANNED, DistributionState.FAILED},
        DistributionState.PLANNED: {
            DistributionState.PAYING,
            DistributionState.SIMULATED,
            DistributionState.FAILED,
        },
        DistributionState.PAYING: {DistributionState.PAID, DistributionState.FAILED},
        DistributionState.PAID: {DistributionState.PAYING},
        DistributionState.SIMULATED: set(),
        DistributionState.FAILED: {
            DistributionState.REWARDS_PENDING,
            DistributionState.PLANNED,
            DistributionState.PAYING,
        },
    }
)

PAYOUT_MOVES = _moves(
    {
        PayoutState.OWED: {PayoutState.ASSIGNED, PayoutState.HELD, PayoutState.CARRIED},
        PayoutState.ASSIGNED: {PayoutState.PAID, PayoutState.OWED, PayoutState.HELD},
        PayoutState.PAID: set(),
        PayoutState.CARRIED: {PayoutState.OWED, PayoutState.SIMULATED},
        PayoutState.HELD: {PayoutState.OWED, PayoutState.DROPPED},
        PayoutState.DROPPED: set(),
        PayoutState.SIMULATED: set(),
    }
)

OPERATION_MOVES = _moves(
    {
        OperationState.SIGNED: {
            OperationState.INJECTED,
            OperationState.DEAD,
            OperationState.QUARANTINED,
        },
        OperationState.INJECTED: {
            OperationState.INCLUDED,
            OperationState.DEAD,
            OperationState.QUARANTINED,
        },
        OperationState.INCLUDED: {OperationState.FINAL, OperationState.INJECTED},
        OperationState.QUARANTINED: {
            OperationState.INCLUDED,
            OperationState.INJECTED,
            OperationState.DEAD,
        },
        OperationState.FINAL: set(),
        OperationState.DEAD: set(),
    }
)

MANUAL_MOVES = _moves(
    {
        ManualState.WANTED: {ManualState.ASSIGNED, ManualState.FAILED},
        ManualState.ASSIGNED: {ManualState.DONE, ManualState.WANTED, ManualState.FAILED},
        ManualState.DONE: set(),
        ManualState.FAILED: {ManualState.WANTED},
    }
)

ANNOUNCEMENT_MOVES = _moves(
    {
        AnnouncementState.PENDING: {AnnouncementState.SENDING, AnnouncementState.FAILED},
        AnnouncementState.SENDING: {
            AnnouncementState.SENT,
            AnnouncementState.PENDING,
            AnnouncementState.FAILED,
            AnnouncementState.UNSURE,
        },
        AnnouncementState.SENT: set(),
        AnnouncementState.UNSURE: {AnnouncementState.PENDING, AnnouncementState.FAILED},
        AnnouncementState.FAILED: {AnnouncementState.PENDING},
    }
)

#: Moves by table name, as the migrations turn them into triggers.
MOVES: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "distributions": DISTRIBUTION_MOVES,
        "payouts": PAYOUT_MOVES,
        "operations": OPERATION_MOVES,
        "manual_transfers": MANUAL_MOVES,
        "announcements": ANNOUNCEMENT_MOVES,
    }
)

#: A distribution in one of these needs nothing more.
SETTLED_DISTRIBUTIONS = frozenset({DistributionState.PAID, DistributionState.SIMULATED})

#: Signed and not yet in a block: at most one such group per source, and what cancels it.
IN_FLIGHT = frozenset({OperationState.SIGNED, OperationState.INJECTED, OperationState.QUARANTINED})
