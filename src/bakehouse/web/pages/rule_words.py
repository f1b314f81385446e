"""How pages tell what is different for a delegator: in words, and as choices. Nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bakehouse.desk.rule_text import RULE_FIELDS
from bakehouse.rewards.money import Mutez, plain_tez
from bakehouse.rewards.payout_rules import CostBearer, DelegatorRule, ExcludedShare, Listing

Choices = list[tuple[str, str]]

_AS_EVERYBODY: Final = ("", "as for everybody")

LISTINGS: Final[Choices] = [
    ("", "on neither list"),
    (Listing.IGNORED, "ignored: not paid"),
    (Listing.ALLOWED, "on the allow-list"),
]
PAYERS: Final[Choices] = [
    _AS_EVERYBODY,
    (CostBearer.BAKER, "the baker"),
    (CostBearer.DELEGATOR, "the delegator"),
]
EXCLUDED_SHARES: Final[Choices] = [
    _AS_EVERYBODY,
    (ExcludedShare.BAKER, "to the baker"),
    (ExcludedShare.EVERYONE, "to everyone else"),
    (ExcludedShare.NAMED, "to named addresses"),
]


def words_of(rule: DelegatorRule) -> list[str]:
    """Say what a rule says."""
    return told_words({name: getattr(rule, name) for name in RULE_FIELDS})


def told_words(told: Mapping[str, Any]) -> list[str]:
    """Say what a rule said, as the audit trail has it: amounts in mutez."""
    return list(_words({name: value for name, value in told.items() if value is not None}))


def _words(told: Mapping[str, Any]) -> Iterator[str]:
    if "recipient" in told:
        yield f"paid to {told['recipient']}"
    if "listing" in told:
        yield "ignored" if told["listing"] == Listing.IGNORED else "on the allow-list"
    if "minimum_balance" in told:
        yield f"paid from {plain_tez(Mutez(told['minimum_balance']))} tez on"
    if "maximum_balance" in told:
        yield f"counts up to {plain_tez(Mutez(told['maximum_balance']))} tez"
    if "transfer_fee_payer" in told:
        yield f"transfer fees borne by the {told['transfer_fee_payer']}"
    if "burn_payer" in told:
        yield f"storage burn borne by the {told['burn_payer']}"
    if "excluded_share" in told:
        where = dict(EXCLUDED_SHARES)[told["excluded_share"]]
        yield f"its share goes {where} if it is excluded"
