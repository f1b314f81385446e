"""What cycles brought to delegators and in fees, as bars: geometry in whole units. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bakehouse.ledger.distributions import Distribution
from bakehouse.rewards.money import MUTEZ_PER_TEZ, Mutez

WIDTH: Final = 720
HEIGHT: Final = 220
_TOP: Final = 12
_BOTTOM: Final = 26
_LEFT: Final = 56
_PLOT: Final = HEIGHT - _TOP - _BOTTOM
#: More bars than this cannot be told apart; fewer than that many would be walls.
BARS_MAX: Final = 24
_BARS_MIN: Final = 8
#: Every bar is named while there are this many at most; else every other one.
_NAMED_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One cycle: what delegators get below, fees on top of it."""

    distribution: Distribution
    x: int
    net_y: int
    net_height: int
    fees_y: int
    fees_height: int
    is_named: bool


@dataclass(frozen=True, slots=True)
class GridLine:
    """A horizontal line, and the amount it stands for."""

    y: int
    amount: Mutez


@dataclass(frozen=True, slots=True)
class RewardsChart:
    """Bars in a frame of WIDTH by HEIGHT, oldest cycle first."""

    bars: Sequence[Bar]
    lines: Sequence[GridLine]
    bar_width: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    base: int = HEIGHT - _BOTTOM


def draw(newest_first: Sequence[Distribution]) -> RewardsChart | None:
    """Draw planned distributions; None when there is nothing to draw."""
    shown = [each for each in newest_first if each.is_planned][:BARS_MAX][::-1]
    top = _round_up(max((_sum(each) for each in shown), default=0))
    if not top:
        return None
    slot = (WIDTH - _LEFT) // max(_BARS_MIN, len(shown))
    every = 1 if len(shown) <= _NAMED_MAX else 2
    return RewardsChart(
        bars=[
            _bar(each, top, _LEFT + index * slot + slot // 8, (len(shown) - 1 - index) % every == 0)
            for index, each in enumerate(shown)
        ],
        lines=[
            GridLine(_TOP + _PLOT - _PLOT * part // 4, Mutez(top * part // 4)) for part in range(5)
        ],
        bar_width=slot * 3 // 4,
    )


def _bar(distribution: Distribution, top: int, x: int, is_named: bool) -> Bar:  # noqa: FBT001
    figures = distribution.figures
    net = _PLOT * figures.total_net // top
    both = _PLOT * _sum(distribution) // top
    base = _TOP + _PLOT
    return Bar(distribution, x, base - net, net, base - both, both - net, is_named)


def _sum(distribution: Distribution) -> int:
    return distribution.figures.total_net + distribution.figures.total_fees


def _round_up(amount: int) -> int:
    """Give the next of 4, 6, 8, 12, 20, 40, 60 … above: quarters of it are easy to read."""
    if not amount:
        return 0
    unit = MUTEZ_PER_TEZ if amount >= MUTEZ_PER_TEZ else 1
    step = unit
    while True:
        for factor in (4, 6, 8, 12, 20):
            if amount <= step * factor:
                return step * factor
        step *= 10
