"""Which chain the money is on, so that every page can say it: real money, play money, a demo."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

_MAINNET: Final = "mainnet"


class NetworkKind(StrEnum):
    """How much a mistake would cost."""

    MAINNET = "mainnet"
    TEST = "test"
    DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Network:
    """A chain as pages name it."""

    kind: NetworkKind
    name: str

    @classmethod
    def of(cls, name: str, *, is_demo: bool) -> Self:
        """Tell the kind of a network by its public name, or by its chain id if it has none."""
        if is_demo:
            return cls(NetworkKind.DEMO, "demo")
        return cls(NetworkKind.MAINNET if name == _MAINNET else NetworkKind.TEST, name)
