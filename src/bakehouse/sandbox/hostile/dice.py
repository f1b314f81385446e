"""Chance that a seed decides: the same seed and the same questions give the same answers."""

from collections.abc import Sequence
from typing import TypeVar

from bakehouse.sandbox.draw import draw_number

Choice = TypeVar("Choice")


class Dice:
    """A series of draws; each use is the next one."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0

    def below(self, bound: int) -> int:
        """Draw a number from 0 up to, and not including, `bound`."""
        self._count += 1
        return draw_number(bound, self._seed, "hostile", self._count)

    def between(self, first: int, last: int) -> int:
        """Draw a number from `first` to `last`."""
        return first + self.below(last - first + 1)

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """Draw one of several."""
        return choices[self.below(len(choices))]
