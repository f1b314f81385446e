"""What a simulated chain is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakehouse.errors import SettingError
from bakehouse.sandbox.crowd import NOBODY, Crowd

#: Below this, head~600 would name blocks before the genesis block; clients ask for it.
FIRST_CYCLE_DEFAULT = 1_400


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How to make a simulated chain; the same settings always make the same chain.

    The chain starts in `first_cycle`, `blocks_before_first_turn` blocks before that cycle's end. A
    block is baked every `block_seconds` (real seconds), or by hand only where that is None.
    `replay` is a recorded `rewards/split` document of TzKT: its cycle becomes the first cycle, and
    its delegators, balances and rewards are served as they were recorded. `crowd` is what others
    take of each block.
    """

    seed: int = 0
    delegator_count: int = 60
    blocks_per_cycle: int = 30
    block_seconds: float | None = 1.0
    blocks_before_first_turn: int = 8
    first_cycle: int | None = None
    replay: Mapping[str, Any] | None = None
    crowd: Crowd = NOBODY

    def __post_init__(self) -> None:
        _require(self.delegator_count >= 0, "delegator_count must be 0 or more")
        _require(self.blocks_per_cycle >= 1, "blocks_per_cycle must be 1 or more")
        _require(
            self.block_seconds is None or self.block_seconds > 0,
            "block_seconds must be above 0, or None to bake by hand",
        )
        _require(
            0 <= self.blocks_before_first_turn < self.blocks_per_cycle,
            "blocks_before_first_turn must be 0 or more, and less than blocks_per_cycle",
        )
        _require(self.first_cycle is None or self.first_cycle >= 1, "first_cycle must be 1 or more")
        _require(
            self.first_cycle is None or self.replay is None,
            "first_cycle cannot be chosen where a recorded cycle is replayed",
        )
        _require(
            self.replay is None or isinstance(self.replay.get("cycle"), int),
            "a replayed document must be a rewards/split document, which names its cycle",
        )

    @property
    def starting_cycle(self) -> int:
        """The cycle in which the chain starts, and which is finished first."""
        if self.replay is not None:
            return int(self.replay["cycle"])
        return FIRST_CYCLE_DEFAULT if self.first_cycle is None else self.first_cycle


def _require(is_met: bool, sentence: str) -> None:  # noqa: FBT001  # reads as an assertion
    if not is_met:
        raise SettingError(f"sandbox: {sentence}")
