"""The accounts a simulated chain begins with: drawn from a seed, or taken from a recorded cycle."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bakehouse.errors import SettingError
from bakehouse.rewards.money import MUTEZ_PER_TEZ
from bakehouse.sandbox.account import Account, is_implicit
from bakehouse.sandbox.draw import draw_bytes, draw_number, draw_text
from bakehouse.sandbox.recorded_split import RecordedSplit
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.keys import SEED_SIZE, Curve, PublicKey, SecretKey

#: Kinds of delegators' addresses; each is drawn, so that most are tz1 and few are contracts.
_ADDRESS_KINDS: Final = (
    *(Prefix.TZ1,) * 14,
    *(Prefix.TZ2,) * 2,
    *(Prefix.TZ3,) * 2,
    Prefix.TZ4,
    Prefix.KT1,
)
#: Digits of a delegator's balance in mutez, each drawn: from a tenth of a tez to 100,000 tez,
#: with a few left with next to nothing.
_BALANCE_DIGITS: Final = (2, 6, 7, 8, 8, 9, 9, 9, 10, 10, 10, 11)
#: One account in this many was emptied after its balance was last counted.
_EMPTIED_ONE_IN: Final = 16
_STAKER_COUNT: Final = 3

_NETWORK_BALANCE: Final = 10**15
_PAYOUT_BALANCE_MIN: Final = 10_000 * MUTEZ_PER_TEZ
_BAKER_BALANCE: Final = 500 * MUTEZ_PER_TEZ
_STAKE_MIN: Final = 6_000 * MUTEZ_PER_TEZ
#: Less than 9, above which more delegated mutez bring the baker no more rights.
_DELEGATED_OVER_STAKED: Final = 5
_GLOBAL_COUNTER: Final = 120_000_000


@dataclass(frozen=True, slots=True)
class World:
    """What there is before the first simulated block.

    `origin` holds the states that counted for all rights so far; `emptied` names the accounts that
    have spent everything since. `network` stands for all other bakers. `recorded` is the cycle
    that is replayed, if any.
    """

    baker: Address
    network: Address
    payout_key: SecretKey
    origin: Mapping[str, Account]
    emptied: frozenset[str]
    global_counter: int
    recorded: RecordedSplit | None

    def spent(self) -> dict[str, Account | None]:
        """Give the accounts that are not as in `origin` any more; the network has got the rest."""
        network = self.origin[self.network]
        freed = sum(self.origin[address].balance for address in self.emptied)
        return {
            **{address: _emptied(address, self.origin[address]) for address in self.emptied},
            self.network: replace(network, balance=network.balance + freed),
        }


def _emptied(address: str, account: Account) -> Account | None:
    # Contracts and accounts with a stake stay when they have spent everything.
    if is_implicit(address) and not account.staked:
        return None
    return replace(account, balance=0)


@dataclass(frozen=True, slots=True)
class _Members:
    """The baker's own balances (mutez), the accounts with it, and which of them are empty now."""

    own_delegated: int
    own_staked: int
    accounts: Mapping[str, Account]
    emptied: frozenset[str]


def make_world(settings: SandboxSettings) -> World:
    """Make the world that the settings ask for; SettingError if a recorded split is malformed."""
    seed = settings.seed
    recorded = None if settings.replay is None else RecordedSplit.read(settings.replay)
    baker, network = _key(seed, "baker").public_key, _key(seed, "network").public_key
    payout_key = _key(seed, "payout")
    members = (
        _drawn_members(settings, baker.address)
        if recorded is None
        else _recorded_members(recorded, seed, baker.address)
    )
    own: dict[str, Account] = {
        baker.address: _baker_account(
            baker, seed, balance=members.own_delegated, staked=members.own_staked
        ),
        network.address: _baker_account(network, seed, balance=_NETWORK_BALANCE, staked=0),
        # Its key is not revealed, so that the first payout must reveal it.
        payout_key.public_key.address: Account(
            balance=max(_PAYOUT_BALANCE_MIN, _delegated(members.accounts) // 10),
            counter=_counter(seed, "payout"),
        ),
    }
    if own.keys() & members.accounts.keys():
        raise SettingError("sandbox: a recorded delegator is one of the sandbox's own accounts")
    return World(
        baker=baker.address,
        network=network.address,
        payout_key=payout_key,
        origin={**own, **members.accounts},
        emptied=members.emptied,
        global_counter=_GLOBAL_COUNTER,
        recorded=recorded,
    )


def _baker_account(key: PublicKey, seed: int, *, balance: int, staked: int) -> Account:
    return Account(
        balance=balance,
        counter=_counter(seed, key.address),
        public_key=key.encode(),
        delegate=key.address,
        staked=staked,
    )


def _drawn_members(settings: SandboxSettings, baker: Address) -> _Members:
    accounts = dict(_drawn_delegators(settings, baker))
    return _Members(
        own_delegated=_BAKER_BALANCE,
        own_staked=max(_STAKE_MIN, _delegated(accounts) // _DELEGATED_OVER_STAKED),
        accounts=accounts,
        emptied=_drawn_emptied(settings.seed, accounts),
    )


def _recorded_members(recorded: RecordedSplit, seed: int, baker: Address) -> _Members:
    return _Members(
        own_delegated=recorded.own_delegated_balance,
        own_staked=recorded.own_staked_balance,
        accounts=_recorded_accounts(recorded, seed, baker),
        emptied=recorded.emptied,
    )


def _delegated(accounts: Mapping[str, Account]) -> int:
    return sum(account.balance for account in accounts.values())


def _key(seed: int, owner: str) -> SecretKey:
    return SecretKey.from_seed(Curve.ED25519, draw_bytes(SEED_SIZE, seed, "key", owner))


def _counter(seed: int, owner: object) -> int:
    return draw_number(_GLOBAL_COUNTER, seed, "counter", owner)


def _drawn_delegators(settings: SandboxSettings, baker: Address) -> Iterator[tuple[str, Account]]:
    seed = settings.seed
    for index in range(settings.delegator_count):
        kind = _ADDRESS_KINDS[draw_number(len(_ADDRESS_KINDS), seed, "kind", index)]
        smallest = 10 ** (
            _BALANCE_DIGITS[draw_number(len(_BALANCE_DIGITS), seed, "size", index)] - 1
        )
        balance = smallest + draw_number(9 * smallest, seed, "balance", index)
        is_contract = kind is Prefix.KT1
        yield (
            draw_text(kind, seed, "delegator", index),
            Account(
                balance=balance,
                counter=0 if is_contract else _counter(seed, index),
                delegate=baker,
                staked=balance if index < _STAKER_COUNT and not is_contract else 0,
            ),
        )


def _drawn_emptied(seed: int, delegators: Mapping[str, Account]) -> frozenset[str]:
    return frozenset(
        address
        for address, account in delegators.items()
        if not address.startswith(Prefix.KT1.text)
        and not account.staked
        and draw_number(_EMPTIED_ONE_IN, seed, "emptied", address) == 0
    )


def _recorded_accounts(recorded: RecordedSplit, seed: int, baker: Address) -> dict[str, Account]:
    staked = dict(recorded.stakers)
    delegated = dict(recorded.delegators)
    return {
        address: Account(
            balance=delegated.get(address, 0),
            counter=0 if address.startswith(Prefix.KT1.text) else _counter(seed, address),
            delegate=baker,
            staked=staked.get(address, 0),
        )
        for address in {**delegated, **staked}
    }
