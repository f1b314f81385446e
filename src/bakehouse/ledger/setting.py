"""What a setting of a baker is: its kind, unit, range and meaning. Neither values nor storage."""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final

from bakehouse.errors import SettingError

_INTEGER_MAX: Final = 2**31 - 1
MUTEZ_MAX: Final = 2**63 - 1


@unique
class Kind(StrEnum):
    """What a value is; how it is written follows from it."""

    NUMBER = "a whole number"
    MUTEZ = "an amount in mutez"
    PERCENTAGE = "a percentage, in basis points"
    YES_NO = "yes or no"
    TEXT = "a text"
    SIGNER = "an address that holds a key"
    RECIPIENT = "an address that can be paid"
    CHOICE = "one of several words"


_WHOLE: Final = (Kind.NUMBER, Kind.MUTEZ, Kind.PERCENTAGE)
_TEXTS: Final = (Kind.TEXT, Kind.SIGNER, Kind.RECIPIENT)


@unique
class Group(StrEnum):
    """Settings that belong together, by the title that people see; in this order."""

    WHETHER = "Whether it pays"
    WHO = "Who"
    SHARED = "What is shared"
    REWARDS = "Which rewards are shared"
    PAID = "Who is paid"
    COSTS = "Who bears what a transfer costs"
    WHEN = "When"
    SAFETY = "Safety"
    TOPPING_UP = "Topping up"
    RETRIES = "Retries and finality"
    PUBLIC = "In public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a baker."""

    name: str
    group: Group
    kind: Kind
    #: What it is called beside a field.
    label: str
    #: What it does, in sentences; its range need not be repeated.
    meaning: str
    #: What a number counts.
    unit: str = ""
    least: int = 0
    most: int = _INTEGER_MAX
    #: What it means that there is none, such as "no cap"; empty for what must be there.
    none_means: str = ""
    choices: type[StrEnum] | None = None
    #: Whether the pages have it somewhere else than among the other settings.
    is_apart: bool = False

    @property
    def has_none(self) -> bool:
        """Whether there may be none."""
        return bool(self.none_means)

    @property
    def range_text(self) -> str:
        """Say in words what it may be, as far as its kind does not say it."""
        match self.kind:
            case Kind.PERCENTAGE:
                return f"{self.least // 100} to {self.most // 100}, up to two decimals"
            case Kind.NUMBER if self.most < _INTEGER_MAX:
                return f"{self.least} to {self.most}"
            case Kind.CHOICE if self.choices is not None:
                return ", ".join(self.choices)
            case _:
                return ""

    def check(self, value: Any) -> None:
        """Refuse a typed value that cannot be; raises SettingError naming the setting."""
        if not ((value is None and self.has_none) or self._fits(value)):
            raise SettingError(
                f"{self.name} must be {self._expected}, not {value!r}", setting=self.name
            )

    def _fits(self, value: Any) -> bool:
        # Every baker that is read is checked: ways of asking that are fast.
        if self.kind in _WHOLE:
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            return is_whole and self.least <= value <= self.most
        if self.kind in _TEXTS:
            return isinstance(value, str)
        if self.kind is Kind.YES_NO:
            return isinstance(value, bool)
        return self.choices is not None and isinstance(value, self.choices)

    @property
    def _expected(self) -> str:
        match self.kind:
            case Kind.MUTEZ if self.has_none:
                return f"{self.least} mutez or more, or none"
            case Kind.NUMBER | Kind.MUTEZ | Kind.PERCENTAGE:
                return f"a whole number from {self.least} to {self.most}"
            case Kind.CHOICE:
                return self.range_text
            case _:
                return str(self.kind)
