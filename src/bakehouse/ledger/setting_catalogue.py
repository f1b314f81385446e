"""Every setting of a baker, once: name, kind, unit, range, meaning. Neither values nor storage.

Parsers, pages, API and files are made of it. Defaults are those of `ledger.bakers.Baker`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final

from bakehouse.errors import SettingError
from bakehouse.ledger.states import Mode
from bakehouse.rewards.money import WHOLE

_INTEGER_MAX: Final = 2**31 - 1
_MUTEZ_MAX: Final = 2**63 - 1


@unique
class Kind(StrEnum):
    """What a value is; how it is written follows from it."""

    NUMBER = "a whole number"
    MUTEZ = "an amount in mutez"
    PERCENTAGE = "a percentage, in basis points"
    YES_NO = "yes or no"
    TEXT = "a text"
    SIGNER = "an address that holds a key"
    CHOICE = "one of several words"


@unique
class Group(StrEnum):
    """Settings that belong together, by the title that people see; in this order."""

    WHETHER = "Whether it pays"
    WHO = "Who"
    SHARED = "What is shared"
    WHEN = "When"
    SAFETY = "Safety"
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
            raise SettingError(f"{self.name} must be {self._expected}, not {value!r}")

    def _fits(self, value: Any) -> bool:
        match self.kind:
            case Kind.NUMBER | Kind.MUTEZ | Kind.PERCENTAGE:
                is_whole = isinstance(value, int) and not isinstance(value, bool)
                return is_whole and self.least <= value <= self.most
            case Kind.YES_NO:
                return isinstance(value, bool)
            case Kind.TEXT | Kind.SIGNER:
                return isinstance(value, str)
            case Kind.CHOICE:
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


CATALOGUE: Final[Mapping[str, Setting]] = {
    setting.name: setting
    for setting in (
        Setting(
            name="mode",
            group=Group.WHETHER,
            kind=Kind.CHOICE,
            choices=Mode,
            label="Mode",
            meaning="Simulation plans and shows, and signs nothing.",
            is_apart=True,
        ),
        Setting(
            name="scheduled",
            group=Group.WHETHER,
            kind=Kind.YES_NO,
            label="Schedules run",
            meaning="The chain is looked at by itself, again and again.",
            is_apart=True,
        ),
        Setting(
            name="alias",
            group=Group.WHO,
            kind=Kind.TEXT,
            label="Alias",
            meaning="A name for people.",
            none_means="no name",
        ),
        Setting(
            name="payout_address",
            group=Group.WHO,
            kind=Kind.SIGNER,
            label="Payout address",
            meaning="The wallet that pays. It needs a key file or a remote signer.",
        ),
        Setting(
            name="default_fee",
            group=Group.SHARED,
            kind=Kind.PERCENTAGE,
            label="Fee",
            meaning="Delegators may have fees of their own.",
            unit="%",
            most=WHOLE,
        ),
        Setting(
            name="minimum_payout",
            group=Group.SHARED,
            kind=Kind.MUTEZ,
            label="Minimum payout",
            meaning="What is due below it is carried to the next cycle. 0 pays everything.",
            most=_MUTEZ_MAX,
        ),
        Setting(
            name="share_block_fees",
            group=Group.SHARED,
            kind=Kind.YES_NO,
            label="Share block fees",
            meaning="Delegators get their part of the fees in blocks, too.",
        ),
        Setting(
            name="bond_pool_enabled",
            group=Group.SHARED,
            kind=Kind.YES_NO,
            label="Pay the bond pool",
            meaning="What the baker keeps is shared among its members, after the delegators.",
        ),
        Setting(
            name="update_freq",
            group=Group.WHEN,
            kind=Kind.NUMBER,
            label="Look for finished cycles every",
            meaning="Takes effect at once.",
            unit="minutes",
            least=1,
            most=10_080,
        ),
        Setting(
            name="payout_delay_cycles",
            group=Group.WHEN,
            kind=Kind.NUMBER,
            label="Wait after a cycle's end",
            meaning="Denunciations may come one cycle later.",
            unit="cycles",
            most=100,
        ),
        Setting(
            name="first_cycle",
            group=Group.WHEN,
            kind=Kind.NUMBER,
            label="First cycle",
            meaning="Nothing older is ever touched.",
            unit="cycle number",
        ),
        Setting(
            name="cycle_cap",
            group=Group.SAFETY,
            kind=Kind.MUTEZ,
            label="Cap of a cycle",
            meaning="A cycle that pays more is refused.",
            least=1,
            most=_MUTEZ_MAX,
            none_means="no cap",
        ),
        Setting(
            name="payout_cap",
            group=Group.SAFETY,
            kind=Kind.MUTEZ,
            label="Cap of a recipient",
            meaning="Whoever would get more in a cycle is held.",
            least=1,
            most=_MUTEZ_MAX,
            none_means="no cap",
        ),
        Setting(
            name="confirm_first_cycle",
            group=Group.SAFETY,
            kind=Kind.YES_NO,
            label="The first live cycle waits for a go",
            meaning="A person looks at its plan before anything is signed.",
        ),
        Setting(
            name="payment_retries",
            group=Group.RETRIES,
            kind=Kind.NUMBER,
            label="Retries",
            meaning="How often a failed distribution is tried again by itself.",
            unit="times",
            most=100,
        ),
        Setting(
            name="minutes_between_retries",
            group=Group.RETRIES,
            kind=Kind.NUMBER,
            label="Before the first retry",
            meaning="Doubles with each.",
            unit="minutes",
            least=1,
            most=1_440,
        ),
        Setting(
            name="num_blocks_wait",
            group=Group.RETRIES,
            kind=Kind.NUMBER,
            label="Final after",
            meaning="Blocks on top before an operation counts as final.",
            unit="blocks",
            least=2,
            most=100,
        ),
        Setting(
            name="public_page",
            group=Group.PUBLIC,
            kind=Kind.YES_NO,
            label="Public page",
            meaning="Anybody may look an address up and see what it was paid, with proofs.",
        ),
    )
}
