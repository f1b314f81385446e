"""The settings file of TRD, option by option, as settings of ours: docs/coming-from-trd.md."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bakehouse.importers.addresses import (
    RulesByAddress,
    income_of,
    key_address,
    one_of,
    portions,
    require,
)
from bakehouse.importers.exact_numbers import mutez_of_tez, points_of_percent
from bakehouse.importers.moving_in import SECRETS_STAY, Left, OldSettings, Taken
from bakehouse.importers.old_document import Node
from bakehouse.rewards.money import NO_SHARE, BasisPoints, Mutez, format_percentage, plain_tez
from bakehouse.rewards.payout_rules import CostBearer, ExcludedShare, Listing, RewardBasis
from bakehouse.tezos.address import parse_implicit, parse_recipient

_DESTINATIONS: Final[Mapping[str, ExcludedShare]] = {
    "TOB": ExcludedShare.BAKER,
    "TOE": ExcludedShare.EVERYONE,
    "TOF": ExcludedShare.NAMED,
}
_MINIMUM: Final = "mindelegation"
_KNOWN: Final = frozenset(
    {
        *("version", "baking_address", "payment_address", "rewards_type", "service_fee"),
        *("founders_map", "owners_map", "specials_map", "supporters_set", "rules_map"),
        *("min_delegation_amt", "min_payment_amt", "reactivate_zeroed"),
        *("delegator_pays_xfer_fee", "delegator_pays_ra_fee", "pay_denunciation_rewards"),
        "plugins",
    }
)
#: What TRD lets a transfer to a contract cost.
_CONTRACT_COST_CAP: Final = Mutez(100_000)


def trd_settings(root: Node, payout_address: str | None) -> OldSettings:
    """Type what TRD's file says; raises InputError with file and line."""
    baker_id = require(root, "baking_address").read(parse_implicit)
    wallet = payout_address or require(root, "payment_address").read(parse_implicit)
    reader = _Reader(root)
    settings = reader.settings()
    fees = reader.fees()
    rules, below = reader.rules()
    named = ExcludedShare.NAMED in {below, *(each.excluded_share for each in rules.values())}
    founders = portions(root.get("founders_map"), "founders_map", is_whole=True)
    owners = portions(root.get("owners_map"), "owners_map", is_whole=True)
    if named and (wallet in founders or not founders):
        node = root.get("rules_map") or root
        raise node.place.mistake(
            "TOF sends shares to the founders, who are none, or the paying wallet itself: write "
            "TOB instead, which leaves them with the baker"
        )
    return OldSettings(
        baker_id=baker_id,
        payout_address=wallet,
        settings={**settings, "below_minimum_share": below},
        fees=fees,
        rules=rules,
        income=income_of(owners, founders, founders if named else {}, wallet),
        taken=(
            Taken("payment_address", f"payout_address={wallet}"),
            *reader.taken,
            Taken("supporters, founders, owners, specials", f"{len(fees)} fees of their own"),
            Taken("rules_map", f"{len(rules)} rules of single delegators"),
            Taken(f"rules_map.{_MINIMUM}", f"below_minimum_share={below}"),
            Taken("founders_map", f"{len(founders)} income shares of fees"),
            Taken("owners_map", f"{len(owners)} income shares of bonds"),
            Taken("TRD's pool", "share_dal_rewards=no, contract_cost_cap=100000"),
        ),
        left=tuple(_left(root, {*founders, *owners}, wallet)),
    )


class _Reader:
    """Reads one option after another, and notes what became of each."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self.taken: list[Taken] = []

    def settings(self) -> dict[str, Any]:
        fee = require(self._root, "service_fee").read(points_of_percent)
        self._note("service_fee", f"default_fee={format_percentage(fee)}")
        basis = self._root.get("rewards_type")
        text = "actual" if basis is None else one_of(basis, "actual", "ideal")
        self._note("rewards_type", f"reward_basis={text}")
        return {
            "default_fee": fee,
            "reward_basis": RewardBasis(text),
            "minimum_balance": self._tez("min_delegation_amt", "minimum_balance"),
            "minimum_payout": self._tez("min_payment_amt", "minimum_payout"),
            "pay_emptied": self._flag("reactivate_zeroed", "pay_emptied", default=True),
            "share_denunciation_rewards": self._flag(
                "pay_denunciation_rewards", "share_denunciation_rewards", default=False
            ),
            "transfer_fee_payer": self._bearer("delegator_pays_xfer_fee", "transfer_fee_payer"),
            "burn_payer": self._bearer("delegator_pays_ra_fee", "burn_payer"),
            "share_dal_rewards": False,
            "contract_cost_cap": _CONTRACT_COST_CAP,
        }

    def fees(self) -> dict[str, BasisPoints]:
        """Give fees of single delegators: supporters, founders and owners pay none in TRD."""
        fees: dict[str, BasisPoints] = {
            key_address(value.place, text): value.read(points_of_percent)
            for text, value in self._table("specials_map")
        }
        free = [key_address(value.place, text) for text, value in self._members("supporters_set")]
        for name in ("founders_map", "owners_map"):
            free += [key_address(value.place, text) for text, value in self._table(name)]
        return {**fees, **dict.fromkeys(free, NO_SHARE)}

    def rules(self) -> tuple[Mapping[str, Any], ExcludedShare]:
        """Give rules of single delegators, and where the share goes of those below the minimum."""
        rules, below = RulesByAddress(), ExcludedShare.BAKER
        for text, value in self._table("rules_map"):
            says = (value.text or "").strip()
            if text == _MINIMUM:
                below = _DESTINATIONS[one_of(value, *_DESTINATIONS)]
            elif says in _DESTINATIONS:
                address = key_address(value.place, text)
                rules.set(address, listing=Listing.IGNORED, excluded_share=_DESTINATIONS[says])
            elif says.lower() != "dexter":
                # TRD takes a misspelt address for none, and pays the old one.
                address = key_address(value.place, text)
                rules.set(address, recipient=value.read(parse_recipient))
        return rules.rules(), below

    def _table(self, name: str) -> Iterator[tuple[str, Node]]:
        node = self._root.get(name)
        if node is not None and (node.text or "").lower() != "none":
            yield from node.table().items()

    def _members(self, name: str) -> Iterator[tuple[str, Node]]:
        node = self._root.get(name)
        if node is None or (node.text or "").lower() == "none":
            return
        if node.items is not None:
            yield from ((item.text or "", item) for item in node.items)
        else:
            yield from node.table().items()

    def _tez(self, name: str, ours: str) -> Mutez:
        node = self._root.get(name)
        amount = Mutez(0) if node is None else node.read(mutez_of_tez)
        self._note(name, f"{ours}={amount} mutez ({plain_tez(amount) or '0'} tez)")
        return amount

    def _flag(self, name: str, ours: str, *, default: bool) -> bool:
        node = self._root.get(name)
        says = default if node is None else node.is_yes()
        self._note(name, f"{ours}={'yes' if says else 'no'}")
        return says

    def _bearer(self, name: str, ours: str) -> CostBearer:
        node = self._root.get(name)
        is_delegator = node is None or node.is_yes()
        bearer = CostBearer.DELEGATOR if is_delegator else CostBearer.BAKER
        self._note(name, f"{ours}={bearer}")
        return bearer

    def _note(self, old: str, new: str) -> None:
        self.taken.append(Taken(old, new))


def _left(root: Node, sharers: set[str], wallet: str) -> Iterator[Left]:
    if wallet in sharers:
        yield Left(
            f"the shares of {wallet} in founders_map and owners_map",
            "it is the wallet that pays: what is its own stays in it",
        )
    rules = root.get("rules_map")
    if rules is not None and rules.entries is not None:
        for text, value in rules.entries.items():
            if (value.text or "").lower() == "dexter":
                yield Left(f"rules_map.{text}", "shares of a Dexter contract are not worked out")
    plugins = root.get("plugins")
    if plugins is not None and plugins.entries is not None:
        for name in plugins.entries:
            if name != "enabled":
                why = f"set it up anew with `bakehouse alerts`; {SECRETS_STAY}"
                yield Left(f"plugins.{name[:64]}", why)
    for name in root.table():
        if name not in _KNOWN:
            yield Left(name[:64], "TRD does not know it either")
    yield Left("calculations/", "what TRD worked out is not what it sent: keep the files")
