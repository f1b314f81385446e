"""A memory of what recent blocks were used for, so that none is read twice. Values only."""

from dataclasses import dataclass, field
from typing import Final

from bakehouse.tezos.block_use import OperationUse

#: Levels below the newest that are remembered: more than are ever looked at.
_KEPT_MAX: Final = 32


@dataclass(slots=True)
class RecentBlocks:
    """What operations took of blocks, by chain and level.

    A reorganisation may have put another block in the place of one: for a guess of what blocks to
    come will leave free, the one that was is as good.
    """

    _by_chain: dict[str, dict[int, tuple[OperationUse, ...]]] = field(default_factory=dict)

    def known(self, chain_id: str, level: int) -> tuple[OperationUse, ...] | None:
        """Give what is remembered of a level; None when nothing is."""
        return self._by_chain.get(chain_id, {}).get(level)

    def remember(self, chain_id: str, level: int, uses: tuple[OperationUse, ...]) -> None:
        """Keep what was read of a level, and let go of old ones."""
        levels = {**self._by_chain.get(chain_id, {}), level: uses}
        oldest = max(levels) - _KEPT_MAX
        self._by_chain[chain_id] = {each: levels[each] for each in levels if each > oldest}
