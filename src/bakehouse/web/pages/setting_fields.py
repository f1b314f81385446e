"""A baker's settings as fields: what each means, its unit and range, how it is read and written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bakehouse.errors import InputError
from bakehouse.ledger.bakers import TOP_UP_SETTINGS, Baker
from bakehouse.payments.baker_settings import parse_settings
from bakehouse.rewards.money import Mutez, format_percentage, format_tez, parse_tez


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting, for a person."""

    name: str
    label: str
    meaning: str
    unit: str = ""
    #: Whether it is a box to tick.
    is_tick: bool = False
    #: Whether leaving it empty means that there is none.
    is_cap: bool = False

    @property
    def is_tez(self) -> bool:
        """Whether it is an amount, which people write in tez."""
        return self.unit == "tez"

    def read(self, text: str) -> Any:
        """Type what was entered; raises InputError. Ranges are the ledger's business."""
        try:
            return self._typed(text)
        except InputError as error:
            raise self._told(error) from error

    def read_for(self, baker: Baker, text: str) -> Any:
        """Type what was entered for a baker; raises InputError, for one out of its range too."""
        value = self.read(text)
        try:
            # A baker refuses to be made with a setting out of its range.
            replace(baker, **{**_top_up_beside(baker, self.name, value), self.name: value})
        except InputError as error:
            raise self._told(error) from error
        return value

    def _told(self, error: InputError) -> InputError:
        # Beside the field nobody needs its name.
        words = error.message.removeprefix(f"{self.name}: ")
        return InputError(words.replace(f"{self.name} must", "it must", 1))

    def _typed(self, text: str) -> Any:
        if self.is_cap and not text:
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
        return format_percentage(value) if self.unit == "%" else str(value)


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """Settings that belong together."""

    title: str
    fields: tuple[SettingField, ...]


GROUPS: Final = (
    SettingGroup(
        "Who",
        (
            SettingField("alias", "Alias", "A name for people; may be left empty."),
            SettingField(
                "payout_address",
                "Payout address",
                "The wallet that pays. It needs a key file or a remote signer.",
            ),
        ),
    ),
    SettingGroup(
        "What is shared",
        (
            SettingField(
                "default_fee",
                "Fee",
                "0 to 100, up to two decimals. Delegators may have fees of their own.",
                "%",
            ),
            SettingField(
                "minimum_payout",
                "Minimum payout",
                "What is due below it is carried to the next cycle. 0 pays everything.",
                "tez",
            ),
            SettingField(
                "share_block_fees",
                "Share block fees",
                "Delegators get their part of the fees in blocks, too.",
                is_tick=True,
            ),
            SettingField(
                "bond_pool_enabled",
                "Pay the bond pool",
                "What the baker keeps is shared among its members, after the delegators.",
                is_tick=True,
            ),
        ),
    ),
    SettingGroup(
        "When",
        (
            SettingField(
                "update_freq",
                "Look for finished cycles every",
                "1 to 10080. Takes effect at once.",
                "minutes",
            ),
            SettingField(
                "payout_delay_cycles",
                "Wait after a cycle's end",
                "0 to 100. Denunciations may come one cycle later.",
                "cycles",
            ),
            SettingField(
                "first_cycle", "First cycle", "Nothing older is ever touched.", "cycle number"
            ),
        ),
    ),
    SettingGroup(
        "Safety",
        (
            SettingField(
                "cycle_cap",
                "Cap of a cycle",
                "A cycle that pays more is refused. Empty: no cap.",
                "tez",
                is_cap=True,
            ),
            SettingField(
                "payout_cap",
                "Cap of a recipient",
                "Whoever would get more in a cycle is held. Empty: no cap.",
                "tez",
                is_cap=True,
            ),
            SettingField(
                "confirm_first_cycle",
                "The first live cycle waits for a go",
                "A person looks at its plan before anything is signed.",
                is_tick=True,
            ),
        ),
    ),
    SettingGroup(
        "Topping up",
        (
            SettingField(
                "funding_address",
                "Funding address",
                "The wallet that the payout wallet is topped up from, when it is low. It needs a "
                "key, too. Empty: it is not topped up.",
                is_cap=True,
            ),
            SettingField(
                "target_balance",
                "Target balance",
                "What the payout wallet is filled up to. Empty: it is not topped up.",
                "tez",
                is_cap=True,
            ),
            SettingField(
                "top_up_cap",
                "Cap of a day",
                "No more is topped up in a day of UTC. Empty: it is not topped up.",
                "tez",
                is_cap=True,
            ),
        ),
    ),
    SettingGroup(
        "Retries and finality",
        (
            SettingField(
                "payment_retries",
                "Retries",
                "0 to 100. How often a failed distribution is tried again by itself.",
                "times",
            ),
            SettingField(
                "minutes_between_retries",
                "Before the first retry",
                "1 to 1440; doubles with each.",
                "minutes",
            ),
            SettingField(
                "num_blocks_wait",
                "Final after",
                "2 to 100. Blocks on top before an operation counts as final.",
                "blocks",
            ),
        ),
    ),
    SettingGroup(
        "In public",
        (
            SettingField(
                "public_page",
                "Public page",
                "Anybody may look an address up and see what it was paid, with proofs.",
                is_tick=True,
            ),
        ),
    ),
)

FIELDS: Final[Mapping[str, SettingField]] = {
    field.name: field for group in GROUPS for field in group.fields
}


def _top_up_beside(baker: Baker, name: str, value: Any) -> dict[str, Any]:
    """Fill in what must stand beside one of the three: whether it does is told of the whole."""
    if name not in TOP_UP_SETTINGS:
        return {}
    others = {"funding_address": baker.network, "target_balance": Mutez(1), "top_up_cap": Mutez(1)}
    return dict.fromkeys(TOP_UP_SETTINGS) if value is None else others


def written(baker: Baker) -> dict[str, str]:
    """Write a baker's settings as they are entered."""
    return {name: field.write(getattr(baker, name)) for name, field in FIELDS.items()}


def plain_tez(amount: Mutez) -> str:
    """Write mutez as a person enters tez: without grouping and trailing zeros."""
    return format_tez(amount).replace(",", "").rstrip("0").rstrip(".")
