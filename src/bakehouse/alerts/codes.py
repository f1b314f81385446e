"""What can deserve a person's attention: how severe it is, in words, and what to do. Values only.

`docs/alerts.md` says the same at more length; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    """How soon somebody has to look."""

    CRITICAL = "critical"  # payments stand still, or may be wrong, until a person acts
    WARNING = "warning"  # a person should look; it may pass by itself
    INFO = "info"  # good to know

    def reaches(self, least: "Severity") -> bool:
        """Whether this is at least as severe."""
        order = list(Severity)
        return order.index(self) <= order.index(least)


class AlertCode(StrEnum):
    """What can deserve a person's attention."""

    DISTRIBUTION_FAILED = "distribution-failed"
    PAYOUT_HELD = "payout-held"
    OPERATION_QUARANTINED = "operation-quarantined"
    GUARD_REFUSED = "guard-refused"
    GO_NEEDED = "go-needed"
    SOURCES_TROUBLED = "sources-troubled"
    CHAIN_DIFFERS = "chain-differs"
    PROTOCOL_UNKNOWN = "protocol-unknown"
    CYCLE_CHECK_FAILED = "cycle-check-failed"
    BALANCE_UNKNOWN = "balance-unknown"
    WALLET_LOW = "wallet-low"
    TOP_UP_FAILED = "top-up-failed"
    ORDER_FAILED = "order-failed"
    SCHEDULE_SILENT = "schedule-silent"
    QUEUE_FAILING = "queue-failing"
    HOOK_VETOED = "hook-vetoed"
    HOOK_FAILING = "hook-failing"
    ANNOUNCEMENT_UNSURE = "announcement-unsure"
    CYCLE_PAID = "cycle-paid"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a code beforehand."""

    severity: Severity
    title: str
    #: What a person does about it.
    advice: str


KINDS: Mapping[AlertCode, Kind] = MappingProxyType(
    {
        AlertCode.DISTRIBUTION_FAILED: Kind(
            Severity.CRITICAL,
            "A cycle could not be paid",
            "Mend what the message names, then have the cycle taken up again (`bakehouse retry`). "
            "What is paid already is never paid twice.",
        ),
        AlertCode.PAYOUT_HELD: Kind(
            Severity.WARNING,
            "Payouts are held back",
            "Look at the reasons (`bakehouse held`), then release or drop each.",
        ),
        AlertCode.OPERATION_QUARANTINED: Kind(
            Severity.CRITICAL,
            "Nobody can prove what became of an operation",
            "Give Bakehouse a node with the whole history, or look the operation up and declare it "
            "dead (`bakehouse declare-dead`). Nothing new is signed until then.",
        ),
        AlertCode.GUARD_REFUSED: Kind(
            Severity.CRITICAL,
            "A check before signing refused a cycle",
            "The message says which and why. Once that is right, have the cycle taken up again "
            "(`bakehouse retry`).",
        ),
        AlertCode.GO_NEEDED: Kind(
            Severity.WARNING,
            "The first payment waits for a go",
            "Look at the plan, then let it go (`bakehouse go`).",
        ),
        AlertCode.SOURCES_TROUBLED: Kind(
            Severity.WARNING,
            "Nodes or indexers are down, or disagree",
            "Payments wait and go on by themselves. Should it last, look after the node and the "
            "indexer, or configure others beside them.",
        ),
        AlertCode.CHAIN_DIFFERS: Kind(
            Severity.CRITICAL,
            "The chain is not what the ledger says",
            "Match the two (`bakehouse verify`) and pause the baker (`bakehouse pause`) until the "
            "difference is explained.",
        ),
        AlertCode.PROTOCOL_UNKNOWN: Kind(
            Severity.WARNING,
            "The chain runs a protocol that this version does not know",
            "Look for a newer Bakehouse. Payments go on while the constants they depend on are "
            "there and pass their checks, and wait otherwise.",
        ),
        AlertCode.CYCLE_CHECK_FAILED: Kind(
            Severity.WARNING,
            "A look for finished cycles failed",
            "It is tried again at the next interval. Should it last, look after the node.",
        ),
        AlertCode.BALANCE_UNKNOWN: Kind(
            Severity.WARNING,
            "The wallet's balance cannot be read",
            "It is tried again at the next interval. Should it last, look after the node.",
        ),
        AlertCode.WALLET_LOW: Kind(
            Severity.CRITICAL,
            "The wallet will not cover the next cycle",
            "Move funds to the payout address before the cycle ends. Its QR code: "
            "`bakehouse wallet qr`, or the page of the wallet.",
        ),
        AlertCode.TOP_UP_FAILED: Kind(
            Severity.WARNING,
            "The payout wallet could not be topped up",
            "See what the message says of the funding wallet, its key and the cap of the day, or "
            "move funds to the payout address yourself.",
        ),
        AlertCode.ORDER_FAILED: Kind(
            Severity.WARNING,
            "A transfer by hand was not done",
            "Nothing has moved. Mend what the message names, then give the same order with the "
            "same key again (`bakehouse transfer`, or the page of transfers).",
        ),
        AlertCode.SCHEDULE_SILENT: Kind(
            Severity.CRITICAL,
            "Nobody has looked for finished cycles",
            "See whether a worker of the queue cycle-monitoring runs, and whether Redis and the "
            "node answer. What is missed is made up for.",
        ),
        AlertCode.QUEUE_FAILING: Kind(
            Severity.WARNING,
            "Jobs failed for good and wait",
            "Look at them on the queues page, then retry or remove them. A retried payment job "
            "never pays twice.",
        ),
        AlertCode.HOOK_VETOED: Kind(
            Severity.WARNING,
            "A hook keeps a cycle from being paid",
            "The message says which and why. It is asked again after a while, and at once by "
            "`bakehouse retry`; `bakehouse hooks off` goes on without it.",
        ),
        AlertCode.HOOK_FAILING: Kind(
            Severity.CRITICAL,
            "A hook gives no answer, and nothing is paid without",
            "Mend the program or the service that the message names, and try it "
            "(`bakehouse hooks test`). It is asked again by itself; `bakehouse hooks off` goes on "
            "without it.",
        ),
        AlertCode.ANNOUNCEMENT_UNSURE: Kind(
            Severity.WARNING,
            "Nobody knows whether an announcement was made",
            "Look at the channel, then have it said again (`bakehouse announcements again`) or "
            "leave it (`bakehouse announcements leave`).",
        ),
        AlertCode.CYCLE_PAID: Kind(
            Severity.INFO,
            "A cycle is paid",
            "Nothing needs to be done.",
        ),
    }
)

_UNKNOWN = Kind(Severity.WARNING, "Something needs a look", "The message says what happened.")


def kind_of(code: str) -> Kind:
    """Give what is known of a stored code; one of another version is a warning."""
    known = set(AlertCode)
    return KINDS[AlertCode(code)] if code in known else _UNKNOWN


def severity_of(code: str) -> Severity:
    """Give how severe a stored code is."""
    return kind_of(code).severity


def codes_of(severity: Severity) -> frozenset[AlertCode]:
    """Give the codes of one severity."""
    return frozenset(code for code, kind in KINDS.items() if kind.severity is severity)
