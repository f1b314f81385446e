"""The settings of TezPay, option by option, as settings of ours: docs/coming-from-tezpay.md."""

from typing import Any, Final

from bakehouse.errors import InputError
from bakehouse.importers.addresses import (
    RulesByAddress,
    address_of,
    income_of,
    key_address,
    one_of,
    portions,
    require,
)
from bakehouse.importers.exact_numbers import mutez_of_tez, points_of_portion
from bakehouse.importers.moving_in import OldSettings, Taken
from bakehouse.importers.old_document import Node
from bakehouse.importers.tezpay_options import BEARERS, EMPTY, left_of_tezpay
from bakehouse.rewards.money import BasisPoints, Mutez, format_percentage, plain_tez
from bakehouse.rewards.payout_rules import (
    CostBearer,
    ExcludedShare,
    Listing,
    RewardBasis,
    Rounding,
)
from bakehouse.tezos.address import parse_implicit, parse_recipient

_DEFAULT_FEE: Final = BasisPoints(500)
_DEFAULT_DELAYS: Final = (500, 1_500)


def tezpay_settings(root: Node, payout_address: str | None) -> OldSettings:
    """Type what TezPay's file says; raises InputError with file and line."""
    version = root.get("tezpay_config_version")
    if version is not None and version.text != "0":
        raise version.place.mistake("only version 0 of TezPay's settings is known")
    baker_id = require(root, "baker").read(parse_implicit)
    reader = _Reader(root)
    settings = reader.settings()
    rules, fees = reader.delegators(settings)
    income = root.get("income_recipients") or EMPTY
    bonds = portions(income.get("bonds"), "bonds", is_whole=False)
    of_fees = portions(income.get("fees"), "fees", is_whole=False)
    wallet = payout_address or baker_id
    return OldSettings(
        baker_id=baker_id,
        payout_address=payout_address,
        settings=settings,
        fees=fees,
        rules=rules.rules(),
        income=income_of(bonds, of_fees, {}, wallet),
        taken=(
            *reader.taken,
            Taken("delegators", f"{len(rules.rules())} rules and {len(fees)} fees of single ones"),
            Taken("income_recipients", f"{len({*bonds, *of_fees} - {wallet})} income shares"),
            Taken(
                "TezPay's numbers",
                "rounding=fee-floor, share_block_fees=yes, share_nonce_rewards=no, "
                "share_vdf_rewards=no",
            ),
        ),
        left=tuple(left_of_tezpay(root, {*bonds, *of_fees}, wallet)),
    )


class _Reader:
    """Reads one option after another, and notes what became of each."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._payouts = root.get("payouts") or EMPTY
        self._delegators = root.get("delegators") or EMPTY
        self.taken: list[Taken] = []

    def settings(self) -> dict[str, Any]:
        payouts, requirements = self._payouts, self._delegators.get("requirements") or EMPTY
        fee_node, mode = payouts.get("fee"), payouts.get("payout_mode")
        fee = _DEFAULT_FEE if fee_node is None else fee_node.read(points_of_portion)
        self._note("payouts.fee", f"default_fee={format_percentage(fee)}")
        basis = "actual" if mode is None else one_of(mode, "actual", "ideal")
        self._note("payouts.payout_mode", f"reward_basis={basis}")
        least, most = self._delays()
        below = requirements.get("below_minimum_reward_destination")
        goes_to = "none" if below is None else one_of(below, "none", "everyone")
        share = ExcludedShare.EVERYONE if goes_to == "everyone" else ExcludedShare.BAKER
        protect = (self._root.get("overdelegation") or EMPTY).get("protect")
        ignores_empty = payouts.get("ignore_empty_accounts")
        self._note("requirements.below_minimum_reward_destination", f"below_minimum_share={share}")
        return {
            "default_fee": fee,
            "reward_basis": RewardBasis(basis),
            "minimum_payout": self._above(payouts, "minimum_payout_amount", "minimum_payout"),
            "minimum_balance": self._above(requirements, "minimum_balance", "minimum_balance"),
            "below_minimum_share": share,
            "pay_emptied": ignores_empty is None or not ignores_empty.is_yes(),
            "delay_blocks_least": least,
            "delay_blocks_most": most,
            "payout_delay_cycles": 0,
            "over_delegation_protection": protect is None or protect.is_yes(),
            "rounding": Rounding.FEE_FLOOR,
            "share_block_fees": True,
            "share_nonce_rewards": False,
            "share_vdf_rewards": False,
            **{ours: self._bearer(payouts.get(name), name, ours) for name, ours in BEARERS.items()},
        }

    def delegators(self, settings: dict[str, Any]) -> tuple[RulesByAddress, dict[str, BasisPoints]]:
        """Give rules and fees of single delegators; an allow-list changes the settings too."""
        rules, fees = RulesByAddress(), self._fee_overrides()
        prefilter, ignore = self._delegators.get("prefilter"), self._delegators.get("ignore")
        allowed = [] if prefilter is None else list(prefilter.list_of(parse_recipient))
        settings["only_allowed"] = bool(allowed)
        for _, address in allowed:
            rules.set(address, listing=Listing.ALLOWED)
        for _, address in [] if ignore is None else ignore.list_of(parse_recipient):
            rules.set(address, listing=Listing.IGNORED, excluded_share=ExcludedShare.EVERYONE)
        overrides = self._delegators.get("overrides") or EMPTY
        for text, node in overrides.table().items():
            address = key_address(node.place, text)
            if (fee := node.get("fee")) is not None:
                # Before the shortcuts, as in TezPay.
                fees[address] = fee.read(points_of_portion)
            values = self._override(node)
            if values:
                rules.set(address, **values)
        return rules, fees

    def _override(self, node: Node) -> dict[str, Any]:
        values: dict[str, Any] = {}
        recipient = node.get("recipient")
        if recipient is not None and recipient.text:
            values["recipient"] = address_of(recipient)
        minimum = node.get("minimum_balance")
        # TezPay takes 0 for none.
        if minimum is not None and (amount := minimum.read(mutez_of_tez)) > 0:
            values["minimum_balance"] = Mutez(amount + 1)
        maximum = node.get("maximum_balance")
        if maximum is not None:
            values["maximum_balance"] = maximum.read(mutez_of_tez)
        for name, ours in BEARERS.items():
            if (says := node.get(name)) is not None:
                values[ours] = CostBearer.BAKER if says.is_yes() else CostBearer.DELEGATOR
        return values

    def _fee_overrides(self) -> dict[str, BasisPoints]:
        fees: dict[str, BasisPoints] = {}
        shortcuts = self._delegators.get("fee_overrides") or EMPTY
        for text, node in shortcuts.table().items():
            fee = node.place.read(points_of_portion, text)
            for item in node.items or ():
                # TezPay's own sample has an empty text here.
                if not item.text:
                    continue
                address = address_of(item)
                if fees.setdefault(address, fee) != fee:
                    raise item.place.mistake(f"{address} has another fee already, further up")
        return fees

    def _delays(self) -> tuple[int, int]:
        found = []
        for name, default in zip(
            ("minimum_delay_blocks", "maximum_delay_blocks"), _DEFAULT_DELAYS, strict=True
        ):
            node = self._payouts.get(name)
            found.append(default if node is None else node.read(_blocks))
        least, most = found
        if least > most:
            node = self._payouts.get("minimum_delay_blocks") or self._payouts
            raise node.place.mistake(f"a delay of at least {least} blocks is more than {most}")
        self._note(
            "payouts.minimum_delay_blocks, maximum_delay_blocks",
            f"delay_blocks_least={least}, delay_blocks_most={most}, payout_delay_cycles=0",
        )
        return least, most

    def _above(self, node: Node, name: str, ours: str) -> Mutez:
        """Read a bound that TezPay wants to be passed, not only reached: a mutez more is ours."""
        found = node.get(name)
        amount = Mutez(0) if found is None else found.read(mutez_of_tez)
        bound = Mutez(amount + 1) if amount else amount
        why = ", as TezPay wants more than its bound" if amount else ""
        self._note(name, f"{ours}={bound} mutez ({plain_tez(bound) or '0'} tez){why}")
        return bound

    def _bearer(self, node: Node | None, name: str, ours: str) -> CostBearer:
        is_baker = node is not None and node.is_yes()
        bearer = CostBearer.BAKER if is_baker else CostBearer.DELEGATOR
        self._note(f"payouts.{name}", f"{ours}={bearer}")
        return bearer

    def _note(self, old: str, new: str) -> None:
        self.taken.append(Taken(old, new))


def _blocks(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 8):  # noqa: PLR2004
        raise InputError("this must be a whole number of blocks")
    return int(text)
