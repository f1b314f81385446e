"""A baker's settings as fields: how the catalogue's are shown, read and written on pages."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final

from bakehouse.errors import InputError
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.setting import Group, Kind, Setting
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.payments.baker_settings import parse_settings
from bakehouse.rewards.money import format_percentage, parse_tez, plain_tez
from bakehouse.web.pages.filled_form import FilledForm

_DEFAULTS: Final = {each.name: each.default for each in fields(Baker)}


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting, for a person: amounts in tez, and nothing entered means that there is none."""

    setting: Setting

    @property
    def name(self) -> str:
        """Give the setting's name."""
        return self.setting.name

    @property
    def label(self) -> str:
        """Give what stands beside the field."""
        return self.setting.label

    @property
    def meaning(self) -> str:
        """Say what it may be, what it does, and what it means to leave it empty."""
        range_text = "" if self.is_pick else self.setting.range_text
        none_means = self.setting.none_means
        parts = [
            f"{range_text}." if range_text else "",
            self.setting.meaning,
            f"Empty: {none_means}." if none_means else "",
        ]
        return " ".join(part for part in parts if part)

    @property
    def unit(self) -> str:
        """Give what is counted."""
        return "tez" if self.is_tez else self.setting.unit

    @property
    def is_tez(self) -> bool:
        """Whether it is an amount, which people write in tez."""
        return self.setting.kind is Kind.MUTEZ

    @property
    def is_tick(self) -> bool:
        """Whether it is a box to tick."""
        return self.setting.kind is Kind.YES_NO

    @property
    def is_pick(self) -> bool:
        """Whether it is one of several words."""
        return self.setting.kind is Kind.CHOICE

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Give the words to choose from, as they are sent and as they are read."""
        return [(word, word.replace("_", " ")) for word in self.setting.choices or ()]

    @property
    def default(self) -> str | None:
        """Write the default as it is entered; None for what every baker must say for itself."""
        value = _DEFAULTS.get(self.name, MISSING)
        return None if value is MISSING else self.write(value)

    def read(self, text: str) -> Any:
        """Type what was entered; raises InputError. Ranges are the ledger's business."""
        try:
            return self._typed(text)
        except InputError as error:
            raise self._told(error) from error

    def read_in_range(self, text: str) -> Any:
        """Type what was entered; raises InputError, for what is out of its range too."""
        value = self.read(text)
        try:
            self.setting.check(value)
        except InputError as error:
            raise self._told(error) from error
        return value

    def _told(self, error: InputError) -> InputError:
        # Beside the field nobody needs its name.
        words = error.message.removeprefix(f"{self.name}: ")
        return InputError(words.replace(f"{self.name} must", "it must", 1))

    def _typed(self, text: str) -> Any:
        if self.setting.has_none and not text:
            return None
        if self.is_tez:
            return parse_tez(text)
        if self.is_tick:
            return text == "yes"
        return parse_settings({self.name: text})[self.name]

    def write(self, value: Any) -> str:
        """Write a value as it is entered."""
        if value is None:
            return ""
        if self.is_tez:
            return plain_tez(value)
        if self.is_tick:
            return "yes" if value else ""
        return format_percentage(value) if self.setting.kind is Kind.PERCENTAGE else str(value)


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """Settings that belong together."""

    title: str
    fields: tuple[SettingField, ...]

    def is_of_interest(self, form: FilledForm) -> bool:
        """Whether anything in it differs from the default, is wrong, or is what people come for."""
        return self.title == Group.SHARED or any(
            field.name in form.errors or form.entered.get(field.name, "") != field.default
            for field in self.fields
        )


def _groups() -> Iterator[SettingGroup]:
    shown = [each for each in CATALOGUE.values() if not each.is_apart]
    for group in Group:
        found = tuple(SettingField(each) for each in shown if each.group is group)
        if found:
            yield SettingGroup(group, found)


GROUPS: Final = tuple(_groups())

FIELDS: Final[Mapping[str, SettingField]] = {
    field.name: field for group in GROUPS for field in group.fields
}


def written(baker: Baker) -> dict[str, str]:
    """Write a baker's settings as they are entered."""
    return {name: field.write(getattr(baker, name)) for name, field in FIELDS.items()}
