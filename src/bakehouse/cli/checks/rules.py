"""The rules of payment of each baker: do they contradict each other, the lists, or the chain."""

from collections.abc import AsyncIterator, Iterator

from bakehouse.cli.checks.finding import Finding, fail, ok, warn
from bakehouse.errors import BakehouseError, SettingError
from bakehouse.ledger import payout_rules
from bakehouse.ledger.bakers import Baker
from bakehouse.payments.payer import Payer
from bakehouse.payments.standing import Standing
from bakehouse.rewards.money import format_percentage, format_tez
from bakehouse.rewards.payout_rules import ExcludedShare, Listing, PayoutRules
from bakehouse.tezos.constants import ProtocolConstants


async def check_rules(payer: Payer, standing: Standing, name: str) -> AsyncIterator[Finding]:
    """Look at the rules of one baker as they are set now."""
    baker, subject = standing.baker, f"rules of {name}"
    try:
        async with payer.ledger.read() as tx:
            rules = await payout_rules.rules_of(tx, baker)
    except SettingError as error:
        yield fail(subject, error.message, "change one of the two: nothing is planned until then")
        return
    doubts = [*_doubts(rules), *_caps(standing)]
    try:
        doubts += _against_chain(baker, await payer.node.constants())
    except BakehouseError as error:
        yield warn(subject, f"not held against the chain: {error.message}", "see the nodes above")
    for seen, advice in doubts:
        yield warn(subject, seen, advice)
    if not doubts:
        yield ok(subject, _in_words(rules))


def _doubts(rules: PayoutRules) -> Iterator[tuple[str, str]]:
    """Tell what is allowed, and seldom meant."""
    listings = {rule.listing for rule in rules.delegators.values()}
    if rules.only_allowed and Listing.ALLOWED not in listings:
        yield (
            "only_allowed is on and nobody is on the allow-list: nobody is paid",
            "put delegators on it (`bakehouse rules set`), or switch only_allowed off",
        )
    if not rules.only_allowed and Listing.ALLOWED in listings:
        yield (
            "some delegators are on the allow-list, and only_allowed is off: the list does nothing",
            "switch only_allowed on, or take them off the list",
        )
    if any(share.of_excluded for share in rules.income) and not _names(rules):
        yield (
            "income shares name parts of excluded shares, and no rule lets those go to them",
            "set excluded_share or below_minimum_share to named, or leave of_excluded out",
        )


def _names(rules: PayoutRules) -> bool:
    for_everybody = {rules.excluded_share, rules.below_minimum_share}
    for_some = {rule.excluded_share for rule in rules.delegators.values()}
    return ExcludedShare.NAMED in for_everybody | for_some


def _caps(standing: Standing) -> Iterator[tuple[str, str]]:
    cap, last = standing.baker.cycle_cap, standing.cycle_cost
    if cap is not None and last is not None and last > cap:
        too_much = f"the last cycle took {format_tez(last)} tez, more than cycle_cap"
        yield f"{too_much}, {format_tez(cap)}: one like it is refused", "raise cycle_cap"


def _against_chain(baker: Baker, constants: ProtocolConstants) -> list[tuple[str, str]]:
    waits = baker.num_blocks_wait + baker.delay_blocks_most
    if waits < constants.blocks_per_cycle:
        return []
    waiting = f"num_blocks_wait and delay_blocks_most come to {waits} blocks"
    cycle = f"a cycle has {constants.blocks_per_cycle}"
    return [(f"{waiting}, and {cycle}: payments come later and later", "lower one of them")]


def _in_words(rules: PayoutRules) -> str:
    parts = [f"fee {format_percentage(rules.default_fee)} %"]
    for several, one, more in (
        (rules.fees, "fee of its own", "fees of their own"),
        (rules.delegators, "delegator with rules", "delegators with rules"),
        (rules.income, "income share", "income shares"),
    ):
        if several:
            parts.append(f"{len(several)} {one if len(several) == 1 else more}")
    return f"{', '.join(parts)}: they agree with each other and with the chain"
