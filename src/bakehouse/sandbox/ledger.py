"""Accounts through time: what each held after every block, and changes not yet made.

No rules about operations live here.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter

from bakehouse.sandbox.account import Account, is_implicit

_level_of = itemgetter(0)

#: The level of the states that were there before any block.
ORIGIN = 0


class Ledger:
    """The states of all accounts, each kept with the level since which it holds.

    Reading at any level is exact, and a reorganisation forgets the newest states.
    """

    __slots__ = ("_histories",)

    def __init__(self, origin: Mapping[str, Account]) -> None:
        self._histories: dict[str, list[tuple[int, Account | None]]] = {
            address: [(ORIGIN, account)] for address, account in origin.items()
        }

    def copy(self) -> "Ledger":
        """Give a ledger that can go on in another way."""
        twin = object.__new__(Ledger)
        twin._histories = {address: states.copy() for address, states in self._histories.items()}
        return twin

    def at(self, address: str, level: int) -> Account | None:
        """Give an account as it stood after the block of `level`; None if it was not allocated."""
        history = self._histories.get(address)
        if not history:
            return None
        since, account = history[-1]
        if since <= level:
            return account
        index = bisect_right(history, level, key=_level_of)
        return history[index - 1][1] if index else None

    def all_at(self, level: int) -> Iterator[tuple[str, Account]]:
        """Give every account that was allocated after the block of `level`."""
        for address in self._histories:
            account = self.at(address, level)
            if account is not None:
                yield address, account

    def record(self, level: int, changes: Mapping[str, Account | None]) -> None:
        """Keep what the block of `level`, which is above all before, made of some accounts."""
        for address, account in changes.items():
            self._histories.setdefault(address, []).append((level, account))

    def forget(self, level: int, addresses: Iterable[str]) -> None:
        """Undo what the newest block, that of `level`, made of these accounts."""
        for address in addresses:
            history = self._histories[address]
            if history[-1][0] == level:
                history.pop()


class Draft:
    """Changes on top of a state that is left as it is, until they are recorded or dropped.

    `burned` and `issued` (mutez) are what the changes took out of the world and brought into it;
    `fees` (mutez) is what they took from accounts and have not given to anyone yet.
    """

    __slots__ = ("_read", "burned", "changes", "fees", "global_counter", "issued")

    def __init__(self, read: Callable[[str], Account | None], global_counter: int) -> None:
        self._read = read
        self.changes: dict[str, Account | None] = {}
        self.global_counter = global_counter
        self.burned = 0
        self.issued = 0
        self.fees = 0

    def account(self, address: str) -> Account | None:
        """Give an account with the changes made so far; None if it is not allocated."""
        if address in self.changes:
            return self.changes[address]
        return self._read(address)

    def write(self, address: str, account: Account) -> None:
        """Put an account in place of what it was; an implicit one that holds nothing is removed.

        As in the protocol, a removed account forgets its key and its counter.
        """
        removed = is_implicit(address) and account.holds_nothing
        self.changes[address] = None if removed else account

    def fresh_account(self) -> Account:
        """Give what an implicit account is when it is allocated: it counts on from all others."""
        return Account(counter=self.global_counter)

    def branch(self) -> "Draft":
        """Begin further changes that can be dropped without those made so far."""
        return Draft(self.account, self.global_counter)

    def merge(self, further: "Draft") -> None:
        """Take over changes that were begun with `branch`."""
        self.changes.update(further.changes)
        self.global_counter = further.global_counter
        self.burned += further.burned
        self.issued += further.issued
        self.fees += further.fees
