"""What hooks answer, read strictly: whatever is missing, unknown or mistyped is no answer. Pure."""

from dataclasses import dataclass
from typing import Final

from bakehouse.errors import HookFailedError, SourceMalformedError
from bakehouse.hooks.question import VERSION
from bakehouse.rewards.adjustment import Adjustment
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.strict_json import Fields, decode_unique

REASON_LENGTH_MAX: Final = 500
ADJUSTMENTS_MAX: Final = 100_000

_GO: Final = "go"
_VETO: Final = "veto"


@dataclass(frozen=True, slots=True)
class PayingAnswer:
    """Whether a hook lets a cycle be paid; `veto` is its reason against, or None."""

    veto: str | None


def read_paying_answer(body: bytes) -> PayingAnswer:
    """Read the answer to `before-paying`; raises HookFailedError saying what is wrong with it."""
    try:
        fields = _fields(body)
        verdict = fields.text("verdict")
        if verdict == _GO:
            _refuse_others(fields, "version", "verdict")
            return PayingAnswer(None)
        if verdict == _VETO:
            _refuse_others(fields, "version", "verdict", "reason")
            return PayingAnswer(_words(fields, "reason"))
    except SourceMalformedError as error:
        raise HookFailedError(f"its answer cannot be read: {error.message}") from error
    raise HookFailedError(f"its verdict is neither {_GO!r} nor {_VETO!r}")


def read_plan_answer(body: bytes) -> tuple[Adjustment, ...]:
    """Read the answer to `plan-made`; raises HookFailedError saying what is wrong with it.

    Whether the adjustments can be made is another question.
    """
    try:
        fields = _fields(body)
        _refuse_others(fields, "version", "adjustments")
        entries = fields.objects("adjustments")
        adjustments = tuple(_adjustment(entry) for entry in entries)
    except SourceMalformedError as error:
        raise HookFailedError(f"its answer cannot be read: {error.message}") from error
    if len(adjustments) > ADJUSTMENTS_MAX:
        raise HookFailedError(f"it has more than {ADJUSTMENTS_MAX:,} adjustments")
    return adjustments


def _fields(body: bytes) -> Fields:
    fields = Fields.of(decode_unique(body))
    if fields.natural("version") != VERSION:
        raise SourceMalformedError(f"version must be {VERSION}")
    return fields


def _adjustment(entry: Fields) -> Adjustment:
    _refuse_others(entry, "recipient", "amount", "to", "why")
    return Adjustment(
        recipient=entry.text("recipient"),
        amount=Mutez(entry.positive("amount")),
        to=entry.text("to") if "to" in entry else None,
        why=_words(entry, "why"),
    )


def _words(fields: Fields, name: str) -> str:
    text = fields.text(name).strip()
    if not text or len(text) > REASON_LENGTH_MAX or not text.isprintable():
        raise SourceMalformedError(
            f"{fields.path_to(name)} must be 1 to {REASON_LENGTH_MAX} characters on one line"
        )
    return text


def _refuse_others(fields: Fields, *known: str) -> None:
    unknown = sorted(set(fields.values) - set(known))
    if unknown:
        raise SourceMalformedError(
            f"{fields.path_to(unknown[0])!r} is not known here: the fields are {', '.join(known)}"
        )
