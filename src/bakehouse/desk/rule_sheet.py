"""Rules of sharing as people read them: each by its label, with what differs from the default."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.setting import Kind, Setting
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.rewards.money import BasisPoints, Mutez, format_percentage, format_tez
from bakehouse.rewards.payout_rules import PayoutRules

_DEFAULTS: Final = {each.name: each.default for each in fields(Baker)}
#: What everybody is treated by, in the order in which it is read.
_FOR_EVERYBODY: Final = tuple(
    name for name in CATALOGUE if name in {each.name for each in fields(PayoutRules)}
)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule for everybody, with its value in words."""

    name: str
    label: str
    value: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class RuleSheet:
    """The rules of one plan; what differs by address is counted."""

    lines: Sequence[RuleLine]
    fees: int
    delegators: int
    income: int

    @property
    def changed(self) -> list[RuleLine]:
        """Give the rules that are not as they are by default."""
        return [line for line in self.lines if not line.is_default]


def rule_sheet(document: Mapping[str, Any]) -> RuleSheet:
    """Read the rules of a plan's document; what an older one does not name is left out."""
    return RuleSheet(
        lines=list(_lines(document)),
        fees=len(document.get("fees_basis_points", ())),
        delegators=len(document.get("delegators", ())),
        income=len(document.get("income", ())),
    )


def _lines(document: Mapping[str, Any]) -> Iterator[RuleLine]:
    for name in _FOR_EVERYBODY:
        setting = CATALOGUE[name]
        key = f"{name}_basis_points" if setting.kind is Kind.PERCENTAGE else name
        if key in document:
            value, default = document[key], _DEFAULTS[name]
            is_default = _told(setting, value) == _told(setting, default)
            yield RuleLine(name, setting.label, _told(setting, value), is_default)


def _told(setting: Setting, value: Any) -> str:
    if value is None:
        return setting.none_means
    match setting.kind:
        case Kind.PERCENTAGE:
            return f"{format_percentage(BasisPoints(value))} %"
        case Kind.MUTEZ:
            return f"{format_tez(Mutez(int(value)))} tez"
        case Kind.YES_NO:
            return "yes" if value else "no"
        case _:
            return f"{value} {setting.unit}".strip()
