"""One account as it stands after a block."""

from dataclasses import dataclass
from typing import Final

from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix


@dataclass(frozen=True, slots=True)
class Account:
    """An allocated account; one that is not allocated is None wherever an account is asked for.

    `balance` is what can be spent and `staked` what is frozen, both in mutez. `counter` is that of
    the last operation. `public_key` is None until revealed, and for contracts always.
    """

    balance: int = 0
    counter: int = 0
    public_key: str | None = None
    delegate: Address | None = None
    staked: int = 0

    @property
    def holds_nothing(self) -> bool:
        """Tell whether nothing keeps an implicit account of this state allocated."""
        return self.balance == 0 and self.staked == 0 and self.delegate is None


#: Beginnings of the addresses whose accounts are not simply a key's.
CONTRACT_PREFIX: Final = Prefix.KT1.text
ROLLUP_PREFIX: Final = Prefix.SR1.text


def is_implicit(address: str) -> bool:
    """Tell whether an address is that of a key (tz1 to tz4)."""
    return not address.startswith((CONTRACT_PREFIX, ROLLUP_PREFIX))
