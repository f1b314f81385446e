"""What a baker decides about sharing, as values that contradict neither themselves nor each other.

Rules only: who is paid by them is `eligibility`, what comes of them is `plan`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from bakehouse.errors import SettingError
from bakehouse.rewards.money import NO_MUTEZ, NO_SHARE, WHOLE, BasisPoints, Mutez

_NO_FEES: Final[Mapping[str, BasisPoints]] = MappingProxyType({})


class RewardBasis(StrEnum):
    """What is shared: what the cycle brought, or what it would have with nothing missed."""

    ACTUAL = "actual"
    #: The delegated part of missed rewards is added, from the baker's own pocket.
    IDEAL = "ideal"


class Rounding(StrEnum):
    """In which order a delegator's gross is rounded; they differ by a mutez at most."""

    #: The net is rounded down, the fee is the rest (TAPS).
    NET_FLOOR = "net-floor"
    #: The fee is rounded down, the net is the rest (TezPay).
    FEE_FLOOR = "fee-floor"


class CostBearer(StrEnum):
    """Who bears what a transfer costs."""

    BAKER = "baker"
    DELEGATOR = "delegator"


class ExcludedShare(StrEnum):
    """Where the share of somebody goes who is not paid; TRD's rules TOB, TOE and TOF."""

    #: It is worked out as if it were paid, and stays with the baker.
    BAKER = "baker"
    #: Its balance does not count: everybody else's share grows, the baker's own included.
    EVERYONE = "everyone"
    #: It is worked out as if it were paid without a fee, and goes to named addresses.
    NAMED = "named"


class Leavers(StrEnum):
    """What becomes of a carried amount when its delegator has left the baker."""

    #: It waits, and is shown, until the minimum is lowered to it.
    KEEP = "keep"
    #: It is paid with the next cycle, however small.
    PAY = "pay"


class Listing(StrEnum):
    """Whether a delegator is on the ignore-list or the allow-list."""

    IGNORED = "ignored"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class DelegatorRule:
    """What is different for one delegator; None is as for everybody. Fees are kept apart."""

    #: Where its payouts are sent; it stays the one they are owed to.
    recipient: str | None = None
    listing: Listing | None = None
    minimum_balance: Mutez | None = None
    maximum_balance: Mutez | None = None
    transfer_fee_payer: CostBearer | None = None
    burn_payer: CostBearer | None = None
    excluded_share: ExcludedShare | None = None


_AS_EVERYBODY: Final = DelegatorRule()
_NO_RULES: Final[Mapping[str, DelegatorRule]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class IncomeShare:
    """What one address gets of the baker's own part, of its fees, and of excluded shares."""

    address: str
    of_bonds: BasisPoints = NO_SHARE
    of_fees: BasisPoints = NO_SHARE
    #: Of shares that go to named addresses; those of all addresses are the whole of it.
    of_excluded: BasisPoints = NO_SHARE


@dataclass(frozen=True, slots=True)
class PayoutRules:
    """What a baker decides about sharing: fees in basis points, amounts and balances in mutez.

    Raises SettingError for rules that are out of range or contradict each other.
    """

    default_fee: BasisPoints
    #: Fees of single delegators, by address; they replace the default.
    fees: Mapping[str, BasisPoints] = field(default_factory=lambda: _NO_FEES)
    share_block_fees: bool = False
    #: What is due below this is carried to the next cycle instead of being paid.
    minimum_payout: Mutez = NO_MUTEZ
    share_block_rewards: bool = True
    share_attestation_rewards: bool = True
    share_dal_rewards: bool = True
    share_nonce_rewards: bool = True
    share_vdf_rewards: bool = True
    share_denunciation_rewards: bool = False
    reward_basis: RewardBasis = RewardBasis.ACTUAL
    #: The own part is worked out of no more delegation than the baker's stake has room for.
    over_delegation_protection: bool = False
    rounding: Rounding = Rounding.NET_FLOOR
    transfer_fee_payer: CostBearer = CostBearer.BAKER
    burn_payer: CostBearer = CostBearer.BAKER
    minimum_balance: Mutez = NO_MUTEZ
    #: More than this of a balance does not count.
    maximum_balance: Mutez | None = None
    #: Where the share goes of those below the minimum balance, and of all others excluded.
    below_minimum_share: ExcludedShare = ExcludedShare.BAKER
    excluded_share: ExcludedShare = ExcludedShare.BAKER
    #: Nobody but those on the allow-list is paid.
    only_allowed: bool = False
    pay_emptied: bool = True
    #: A payout is worth sending from this many times the fee of its transfer on; 0: always.
    minimum_fee_multiple: int = 0
    leavers: Leavers = Leavers.KEEP
    #: Cycles paid in one transfer: those of the others are carried to every such cycle.
    payout_interval: int = 1
    interval_offset: int = 0
    delegators: Mapping[str, DelegatorRule] = field(default_factory=lambda: _NO_RULES)
    income: tuple[IncomeShare, ...] = ()

    def __post_init__(self) -> None:
        for fee in (self.default_fee, *self.fees.values()):
            if not 0 <= fee <= WHOLE:
                raise SettingError(f"a fee of {fee} basis points is outside 0 to {WHOLE}")
        if self.minimum_payout < 0:
            raise SettingError(f"a minimum payout of {self.minimum_payout} mutez is negative")
        if self.minimum_fee_multiple < 0:
            raise SettingError(f"minimum_fee_multiple {self.minimum_fee_multiple} is negative")
        _check_interval(self.payout_interval, self.interval_offset)
        _check_balances(self.minimum_balance, self.maximum_balance, "a balance")
        for address, rule in self.delegators.items():
            least = self.minimum_balance if rule.minimum_balance is None else rule.minimum_balance
            most = self.maximum_balance if rule.maximum_balance is None else rule.maximum_balance
            _check_balances(least, most, f"the balance of {address}")
        self._check_income()

    def _check_income(self) -> None:
        addresses = [share.address for share in self.income]
        if len(set(addresses)) != len(addresses):
            raise SettingError(
                "an address is twice among the income shares; list it once", setting="address"
            )
        for name in ("of_bonds", "of_fees", "of_excluded"):
            shares = [getattr(share, name) for share in self.income]
            if any(not 0 <= share <= WHOLE for share in shares) or sum(shares) > WHOLE:
                raise SettingError(
                    f"the shares {name} must be from 0 to 100 %, and 100 % at most together",
                    setting=name,
                )
        to_named = sum(share.of_excluded for share in self.income)
        if ExcludedShare.NAMED in self._excluded_shares() and to_named != WHOLE:
            is_below = self.below_minimum_share is ExcludedShare.NAMED
            raise SettingError(
                "excluded shares go to named addresses, but their of_excluded shares do not add "
                "up to 100 %: set them, or let the share go to the baker or to everyone",
                setting="below_minimum_share" if is_below else "excluded_share",
            )

    def _excluded_shares(self) -> set[ExcludedShare | None]:
        single = {rule.excluded_share for rule in self.delegators.values()}
        return {self.below_minimum_share, self.excluded_share, *single}

    def fee_of(self, delegator: str) -> BasisPoints:
        """Give the fee that applies to one delegator."""
        return self.fees.get(delegator, self.default_fee)

    def rule_of(self, delegator: str) -> DelegatorRule:
        """Give what is different for one delegator."""
        return self.delegators.get(delegator, _AS_EVERYBODY)

    def pays_in(self, cycle: int) -> bool:
        """Tell whether a cycle is one in which what is owed is paid, not only worked out."""
        return (cycle - self.interval_offset) % self.payout_interval == 0

    def document(self) -> dict[str, Any]:
        """Write the rules as JSON data, every choice by its name."""
        texts = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            **texts,
            "fees": dict(self.fees),
            "delegators": {whom: _written(rule) for whom, rule in self.delegators.items()},
            "income": [_written(share) for share in self.income],
        }


def _written(values: DelegatorRule | IncomeShare) -> dict[str, Any]:
    written = {each.name: getattr(values, each.name) for each in fields(values)}
    return {name: value for name, value in written.items() if value is not None}


def _check_interval(interval: int, offset: int) -> None:
    if interval < 1:
        raise SettingError(f"a payout interval of {interval} cycles is less than 1")
    if not 0 <= offset < interval:
        raise SettingError(
            f"interval_offset {offset} must be from 0 to below the payout interval of {interval}",
            setting="interval_offset",
        )


def _check_balances(least: Mutez, most: Mutez | None, whose: str) -> None:
    if least < 0:
        raise SettingError(
            f"a minimum of {least} mutez for {whose} is negative", setting="minimum_balance"
        )
    if most is not None and most < max(least, 1):
        raise SettingError(
            f"{whose} is to count up to {most} mutez, which is below the minimum of {least}",
            setting="maximum_balance",
        )
