"""What an audit holds payouts against: the settings in force, and what is owed by them.

The settings are read out of the audit trail; what they owe is the reference's to say, which was
written from docs/rewards.md alone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance, MissedRewards, Stake
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import DelegatorRule, IncomeShare, PayoutRules
from tests.faults.audit_findings import Row, detail_of
from tests.rewards.reference_plan import Books, Surroundings, books_of

_WHOLE: Final = 10_000
_APART: Final = frozenset({"fees", "delegators", "income"})
_NAMES: Final = tuple(each.name for each in fields(PayoutRules) if each.name not in _APART)


@dataclass(frozen=True, slots=True)
class Settings:
    """What decided about a plan, in force from the event numbered `since` on."""

    since: int
    rules: PayoutRules
    bond_pool_enabled: bool
    members: tuple[Row, ...]

    def agrees_with(self, baker: Row, fees: Mapping[str, int], members: Collection[str]) -> bool:
        """Tell whether these are what the tables say."""
        return (
            all(getattr(self.rules, name) == baker[name] for name in _NAMES)
            and self.bond_pool_enabled == bool(baker["bond_pool_enabled"])
            and self.rules.fees == fees
            and {member["address"] for member in self.members} == set(members)
        )


def settings_history(events: Collection[Row]) -> list[Settings]:
    """Give what a baker had set after each of its events, oldest first."""
    history = []
    values: dict[str, Any] = {"fees": {}, "members": [], "delegators": {}, "income": []}
    for event in events:
        detail = detail_of(event)
        match event["action"]:
            case "baker.added" | "baker.changed":
                values |= detail
            case "fees.replaced":
                values["fees"] = detail
            case "bond_pool.replaced":
                values["members"] = detail.get("members", [])
            case "delegator_rules.replaced":
                values["delegators"] = detail
            case "income_shares.replaced":
                values["income"] = detail.get("shares", [])
            case _:
                continue
        if "default_fee" in values:
            history.append(_settings(event["id"], values))
    return history


def _settings(since: int, values: Row) -> Settings:
    rules = PayoutRules(
        **{name: values[name] for name in _NAMES},
        fees=values["fees"],
        delegators={whom: DelegatorRule(**rule) for whom, rule in values["delegators"].items()},
        income=tuple(IncomeShare(**share) for share in values["income"]),
    )
    return Settings(since, rules, bool(values["bond_pool_enabled"]), tuple(values["members"]))


def in_force(history: list[Settings], first: int, last: int) -> list[Settings]:
    """Give the settings that were in force at some moment from one event to another."""
    before = [settings for settings in history if settings.since <= first]
    return before[-1:] + [settings for settings in history if first < settings.since <= last]


@dataclass(frozen=True, slots=True)
class Share:
    """What one payee is owed for a cycle in one role, in mutez."""

    balance: int
    gross: int
    fee_basis_points: int
    net: int

    @property
    def fee(self) -> int:
        return self.gross - self.net


@dataclass(frozen=True, slots=True)
class Owed:
    """What a cycle owes, in mutez, by payee and role; `figures` as the ledger's columns have it."""

    figures: Mapping[str, int]
    shares: Mapping[tuple[str, str], Share]
    #: Who is paid with this cycle what it is owed, carried amounts included; None: everybody.
    sent: frozenset[str] | None = None


def owed_to_delegators(document: Row, settings: Settings, around: Surroundings) -> Owed:
    """Share a cycle's liquid rewards by a baker's rules."""
    cycle = cycle_of_split(document)
    books = books_of(cycle, settings.rules, around)
    balances = {each.address: each.delegated_balance for each in cycle.delegators}
    shares = {
        (whom, role): _share(books, settings.rules, whom, role, net, balances)
        for (whom, role), net in books.earned.items()
    }
    return Owed(_figures(books), shares, frozenset(books.sent))


def _figures(books: Books) -> dict[str, int]:
    return {
        "pool": books.pool,
        "own_part": books.own_part + books.excluded_kept,
        "excluded_kept": books.excluded_kept,
        "total_fees": books.fees,
        "total_net": sum(books.earned.values()),
        "dust": books.dust,
    }


def _share(  # noqa: PLR0913, PLR0917 -- all that it depends on
    books: Books,
    rules: PayoutRules,
    whom: str,
    role: str,
    net: int,
    balances: Mapping[str, int],
) -> Share:
    if role != "delegator":
        return Share(0, net, 0, net)
    fee = rules.fees.get(whom, rules.default_fee)
    return Share(balances[whom], books.grosses[whom], fee, net)


def cycle_of_split(document: Row) -> CycleRewards:
    """Read what the rules need from an indexer's document."""

    def mutez(name: str) -> Mutez:
        return Mutez(document[name])

    denunciations = ("doubleBakingRewards", "doubleConsensusRewards")
    return CycleRewards(
        cycle=document["cycle"],
        own_delegated_balance=mutez("ownDelegatedBalance"),
        external_delegated_balance=mutez("externalDelegatedBalance"),
        block_rewards=mutez("blockRewardsDelegated"),
        attestation_rewards=mutez("attestationRewardsDelegated"),
        dal_attestation_rewards=mutez("dalAttestationRewardsDelegated"),
        vdf_revelation_rewards=mutez("vdfRevelationRewardsDelegated"),
        nonce_revelation_rewards=mutez("nonceRevelationRewardsDelegated"),
        block_fees=mutez("blockFees"),
        delegators=tuple(
            DelegatorBalance(
                each["address"], Mutez(each["delegatedBalance"]), emptied=each["emptied"]
            )
            for each in document["delegators"]
        ),
        denunciation_rewards=Mutez(sum(document[name] for name in denunciations)),
        missed=MissedRewards(
            mutez("missedBlockRewards"),
            mutez("missedAttestationRewards"),
            mutez("missedDalAttestationRewards"),
        ),
        stake=Stake(
            mutez("ownStakedBalance"), mutez("externalStakedBalance"), document["bakingPower"]
        ),
    )


def owed_to_members(pool: int, members: Collection[Row]) -> Owed:
    """Share what a baker kept of a cycle among those who lent it their bonds."""
    bonds = sum(member["amount"] for member in members)
    parts = [(member, pool * member["amount"] // bonds) for member in members]
    charges = sum(
        part * member["adm_charge"] // _WHOLE for member, part in parts if not member["is_manager"]
    )
    shares = {}
    for member, part in parts:
        charge, bond = BasisPoints(member["adm_charge"]), member["amount"]
        if member["is_manager"]:
            share = Share(bond, part + charges, charge, part + charges)
        else:
            share = Share(bond, part, charge, part * (_WHOLE - charge) // _WHOLE)
        shares[member["address"], "bond-member"] = share
    net = sum(share.net for share in shares.values())
    figures = {"pool": pool, "own_part": 0, "total_fees": 0, "total_net": net, "dust": pool - net}
    return Owed(figures, shares)
