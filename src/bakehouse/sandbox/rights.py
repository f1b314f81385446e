"""The baker's rights in each cycle, and what it earns by them."""

from typing import Final

from bakehouse.sandbox.draw import draw_number
from bakehouse.sandbox.issuance import (
    BAKER_SHARE,
    Earnings,
    Rates,
    RewardParts,
    Snapshot,
    rates,
    take_snapshot,
    total,
)
from bakehouse.sandbox.ledger import Ledger
from bakehouse.sandbox.protocol import CycleLength
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.sandbox.world import World

#: Snapshots that are kept: those of the cycles that bakers, payers and the indexer look at.
_SNAPSHOTS_MAX: Final = 8


class Rights:
    """What the baker may bake, from which balances, and for how much.

    A cycle that is replayed is past but for its last blocks: its rewards are credited, as they were
    recorded, in its last block.
    """

    def __init__(
        self, settings: SandboxSettings, world: World, ledger: Ledger, start_level: int
    ) -> None:
        self._settings = settings
        self._world = world
        self._ledger = ledger
        self._start_level = start_level
        self._cycle_length = CycleLength(settings.blocks_per_cycle)
        self._snapshots: dict[int, Snapshot] = {}
        self._rates: dict[int, Rates] = {}

    def on(self, ledger: Ledger) -> "Rights":
        """Give the same rights on a copy of the ledger."""
        twin = Rights(self._settings, self._world, ledger, self._start_level)
        twin._snapshots = self._snapshots.copy()
        twin._rates = self._rates.copy()
        return twin

    def may_bake(self, level: int, block_round: int = 0) -> bool:
        """Tell whether the baker, and not the rest of the network, bakes at a level and round."""
        if self._is_recorded(self._cycle_length.cycle_of(level)):
            return False
        seed = self._settings.seed
        return draw_number(BAKER_SHARE, seed, "baking right", level, block_round) == 0

    def snapshot(self, cycle: int) -> Snapshot:
        """Give the balances that count for a cycle."""
        key = self._snapshot_key(cycle)
        if key not in self._snapshots:
            level = self._cycle_length.snapshot_level(cycle)
            self._snapshots[key] = take_snapshot(self._ledger, self._world.baker, level)
        if len(self._snapshots) > _SNAPSHOTS_MAX:
            self.forget(next(iter(self._snapshots)))
        return self._snapshots[key]

    def forget(self, level: int) -> None:
        """Forget what was read from the block of `level`, which is no more."""
        self._snapshots.pop(level, None)
        self._rates.pop(level, None)

    def rates(self, cycle: int) -> Rates:
        """Give what a block, and attesting, bring in a cycle."""
        key = self._snapshot_key(cycle)
        if key not in self._rates:
            self._rates[key] = rates(self.snapshot(cycle), self._cycle_length)
        return self._rates[key]

    def _snapshot_key(self, cycle: int) -> int:
        # Before the simulation balances did not change, so one snapshot stands for all.
        level = self._cycle_length.snapshot_level(cycle)
        return level if level >= self._start_level else 0

    def earned(self, level: int, *, is_own: bool, fees: int) -> Earnings:
        """Give what the baker earns in the block of a level, its own or another's."""
        cycle = self._cycle_length.cycle_of(level)
        is_last = level == self._cycle_length.last_level(cycle)
        if self._world.recorded and self._is_recorded(cycle):
            return self._world.recorded.earnings if is_last else Earnings()
        cycle_rates = self.rates(cycle)
        return Earnings(
            blocks=int(is_own),
            block_rewards=cycle_rates.block if is_own else RewardParts(),
            attestation_rewards=cycle_rates.attestation if is_last else RewardParts(),
            dal_attestation_rewards=cycle_rates.dal_attestation if is_last else RewardParts(),
            block_fees=fees if is_own else 0,
        )

    def earned_before_start(self, cycle: int) -> Earnings:
        """Give what blocks of the first cycle brought before the simulation began."""
        if cycle != self._settings.starting_cycle or self._is_recorded(cycle):
            return Earnings()
        levels = range(self._cycle_length.first_level(cycle), self._start_level + 1)
        block = self.rates(cycle).block
        return total(
            Earnings(blocks=1, block_rewards=block) for level in levels if self.may_bake(level)
        )

    def _is_recorded(self, cycle: int) -> bool:
        return self._world.recorded is not None and cycle <= self._world.recorded.cycle
