"""What a file of settings would change: written for people, and as JSON. No commands here."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from itertools import groupby
from typing import Any, Final

from bakehouse.desk.changes import Change
from bakehouse.desk.settings_file.applying import Look
from bakehouse.desk.settings_file.effect import Effect, NoEffect, Sums
from bakehouse.rewards.money import Mutez, format_tez

#: Recipients whose payout changes that a person is shown; --json has them all.
_CHANGES_SHOWN: Final = 10
#: Single changes of one baker that a person is shown.
_DIFFERENCES_SHOWN: Final = 100

_SUMS: Final = {
    "for_delegators": "to delegators",
    "fees": "in fees",
    "for_the_baker": "kept by the baker",
    "due_now": "leaves the wallet",
    "for_the_bond_pool": "to the bond pool",
}


def look_text(seen: Look) -> str:
    """Say what would change, baker by baker, and what it would have meant last time."""
    return "\n".join([*_differences(seen), *_effects(seen), *_untouched(seen)])


def look_document(seen: Look) -> dict[str, Any]:
    """Write it as JSON data: amounts are strings of mutez."""
    return {
        "changes": [
            {
                "baker": each.baker_id,
                "key": each.key,
                "before": each.before,
                "after": each.after,
            }
            for each in seen.differences
        ],
        "last_cycle": [_effect_document(each) for each in seen.effects],
        "untouched": list(seen.untouched),
    }


def _differences(seen: Look) -> Iterator[str]:
    if not seen.differences:
        yield "Nothing differs from what is set."
    for baker_id, several in groupby(seen.differences, key=lambda each: each.baker_id):
        of_baker = list(several)
        yield baker_id if baker_id in seen.before.bakers else f"{baker_id}, new here"
        for each in of_baker[:_DIFFERENCES_SHOWN]:
            yield f"  {each.label}: {each.before or 'nothing'} → {each.after or 'nothing'}"
        yield from _hidden(len(of_baker) - _DIFFERENCES_SHOWN)


def _effects(seen: Look) -> Iterator[str]:
    for effect in seen.effects:
        yield ""
        if isinstance(effect, NoEffect):
            yield f"{effect.baker_id}: not to be said in tez: {effect.reason}."
            continue
        yield f"{effect.baker_id}: cycle {effect.cycle} by these settings"
        yield from _sums(effect)
        yield from _changes("delegators", effect.delegators)
        yield from _changes("bond-pool members", effect.members)


def _sums(effect: Effect) -> Iterator[str]:
    for name, words in _SUMS.items():
        before, after = getattr(effect.before, name), getattr(effect.after, name)
        if before or after:
            difference = _signed(after - before) if after != before else "the same"
            yield f"  {words}: {format_tez(before)} → {format_tez(after)} tez ({difference})"


def _changes(whose: str, changes: Sequence[Change]) -> Iterator[str]:
    if not changes:
        return
    yield f"  {len(changes):,} {whose} would have got something else; the largest differences:"
    for each in changes[:_CHANGES_SHOWN]:
        yield (
            f"    {each.owed_to}  {format_tez(each.before)} → {format_tez(each.now)}"
            f"  {_signed(each.difference)}"
        )
    yield from _hidden(len(changes) - _CHANGES_SHOWN)


def _hidden(count: int) -> Iterator[str]:
    if count > 0:
        yield f"    and {count:,} more; --json has them all"


def _untouched(seen: Look) -> Iterator[str]:
    if seen.untouched:
        yield ""
        yield f"Not in the file, and left as they are: {', '.join(seen.untouched)}."


def _effect_document(effect: Effect | NoEffect) -> dict[str, Any]:
    if isinstance(effect, NoEffect):
        return asdict(effect)
    return {
        "baker_id": effect.baker_id,
        "cycle": effect.cycle,
        "before": _sums_document(effect.before),
        "after": _sums_document(effect.after),
        "delegators": [_change_document(each) for each in effect.delegators],
        "members": [_change_document(each) for each in effect.members],
    }


def _sums_document(sums: Sums) -> dict[str, str]:
    return {field.name: str(getattr(sums, field.name)) for field in fields(sums)}


def _change_document(change: Change) -> dict[str, str]:
    return {
        "owed_to": change.owed_to,
        "before": str(change.before),
        "after": str(change.now),
    }


def _signed(difference: int) -> str:
    return f"{'+' if difference >= 0 else ''}{format_tez(Mutez(difference))}"
