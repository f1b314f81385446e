"""A baker's settings in JSON, made of the catalogue: as they are shown, and as they are sent."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, create_model

from bakehouse.ledger.setting import Kind, Setting
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.payments.baker_settings import document_name
from bakehouse.web.api.fields import (
    EXAMPLE_RECIPIENT,
    Body,
    FeeSent,
    ImplicitSent,
    MutezSent,
    RecipientSent,
)
from bakehouse.web.api.security import EXAMPLE_BAKER

_ALIAS_LENGTH_MAX: Final = 100
#: The mode has a route of its own.
_NOT_SENT: Final = "mode"

_SHOWN: Final[dict[Kind, Any]] = {
    Kind.NUMBER: int,
    Kind.MUTEZ: str,
    Kind.PERCENTAGE: int,
    Kind.YES_NO: bool,
    Kind.TEXT: str,
    Kind.SIGNER: str,
    Kind.RECIPIENT: str,
}
_EXAMPLES: Final[dict[Kind, Any]] = {
    Kind.MUTEZ: "1500000",
    Kind.PERCENTAGE: 995,
    Kind.YES_NO: True,
    Kind.TEXT: "Bake Nug",
    Kind.SIGNER: EXAMPLE_BAKER,
    Kind.RECIPIENT: EXAMPLE_RECIPIENT,
}


def settings_shown() -> Any:
    """Make the model of an answer that has every setting."""
    shown: dict[str, Any] = {
        document_name(each): (_shown(each), ...) for each in CATALOGUE.values()
    }
    return create_model("SettingsShown", __base__=BaseModel, **shown)


def settings_sent() -> Any:
    """Make the model of a request that has any of the settings that may be sent.

    None is required, and nothing stands in for one: a default would be read as what becomes of it.
    """
    sent: dict[str, Any] = {
        document_name(each): (_sent(each), Field(default_factory=lambda: None))
        for each in CATALOGUE.values()
        if each.name != _NOT_SENT
    }
    return create_model("SettingsSent", __base__=Body, **sent)


def _shown(setting: Setting) -> Any:
    of_kind = setting.choices if setting.kind is Kind.CHOICE else _SHOWN[setting.kind]
    return _described(setting, of_kind, in_what="In mutez. " if setting.kind is Kind.MUTEZ else "")


def _sent(setting: Setting) -> Any:
    match setting.kind:
        case Kind.NUMBER:
            of_kind: Any = Annotated[int, Field(ge=setting.least, le=setting.most)]
        case Kind.MUTEZ:
            of_kind = MutezSent
        case Kind.PERCENTAGE:
            of_kind = FeeSent
        case Kind.SIGNER:
            of_kind = ImplicitSent
        case Kind.RECIPIENT:
            of_kind = RecipientSent
        case Kind.TEXT:
            of_kind = Annotated[str, Field(max_length=_ALIAS_LENGTH_MAX)]
        case Kind.CHOICE:
            of_kind = setting.choices
        case Kind.YES_NO:
            of_kind = bool
    return _described(setting, of_kind)


def _described(setting: Setting, of_kind: Any, *, in_what: str = "") -> Any:
    nothing = f" Null: {setting.none_means}." if setting.has_none else ""
    example = _EXAMPLES.get(setting.kind, max(setting.least, 1))
    if setting.kind is Kind.CHOICE and setting.choices is not None:
        example = next(iter(setting.choices))
    optional = of_kind | None if setting.has_none else of_kind
    return Annotated[
        optional,
        Field(description=f"{in_what}{setting.meaning}{nothing}", examples=[example]),
    ]
