"""What everybody else has in blocks: operations that take room and move no money here.

They stand for bakers' other customers, who pay more: blocks are filled with theirs first.
"""

from dataclasses import dataclass
from typing import Final

from bakehouse.errors import SettingError
from bakehouse.sandbox.draw import draw_number, draw_text
from bakehouse.sandbox.protocol import MANAGER_PASS_SIZE_MAX, OPERATION_SIZE_MAX
from bakehouse.tezos.base58check import Prefix

_WHOLE: Final = 100

#: Bytes of such an operation beside its message: branch, signature, fields, and two lengths.
ENVELOPE_SIZE: Final = 32 + 64 + 40 + 8
#: Operations that are there even where hardly any bytes are taken.
_COUNT_MIN: Final = 4


@dataclass(frozen=True, slots=True)
class OthersGroup:
    """An operation of somebody else: a message to a rollup, of as many bytes as it takes."""

    hash: str
    source: str
    gas_limit: int
    size: int

    @property
    def message(self) -> bytes:
        """The bytes that make it as large as it is."""
        return bytes(self.size - ENVELOPE_SIZE)


@dataclass(frozen=True, slots=True)
class Crowd:
    """How much of each block others take: percent of its gas and of its bytes, least and most.

    Between the two, each block is drawn.
    """

    gas_percent: tuple[int, int] = (0, 0)
    bytes_percent: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        for least, most in (self.gas_percent, self.bytes_percent):
            if not 0 <= least <= most <= _WHOLE:
                raise SettingError(
                    f"sandbox: others take 0 to 100 percent of a block, least first, "
                    f"not {least} to {most}"
                )

    def groups_after(self, block_hash: str, gas_limit_per_block: int) -> tuple[OthersGroup, ...]:
        """Draw what others have in the block after this one."""
        gas = gas_limit_per_block * _drawn(self.gas_percent, block_hash, "gas") // _WHOLE
        size = MANAGER_PASS_SIZE_MAX * _drawn(self.bytes_percent, block_hash, "bytes") // _WHOLE
        if not gas and not size:
            return ()
        count = max(_COUNT_MIN, -(-size // OPERATION_SIZE_MAX))
        return tuple(
            OthersGroup(
                hash=draw_text(Prefix.OPERATION_HASH, block_hash, "others", index),
                source=draw_text(Prefix.TZ1, block_hash, "other", index),
                gas_limit=_part(gas, count, index),
                size=max(_part(size, count, index), ENVELOPE_SIZE),
            )
            for index in range(count)
        )


NOBODY: Final = Crowd()


def _part(whole: int, count: int, index: int) -> int:
    return whole * (index + 1) // count - whole * index // count


def _drawn(percent: tuple[int, int], *parts: object) -> int:
    least, most = percent
    return least + draw_number(most - least + 1, *parts)
