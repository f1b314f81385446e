"""What moving in would do, or has done, as a text for people and a document for programs."""

from collections.abc import Iterator
from typing import Any

from bakehouse.importers.checking import Checked
from bakehouse.importers.cycle_runs import listed
from bakehouse.importers.moving import Look
from bakehouse.rewards.money import Mutez, format_tez


def report_document(look: Look) -> dict[str, Any]:
    """Write a look as JSON data: amounts are strings of mutez."""
    moving, written = look.moving, look.written
    return {
        "tool": moving.tool.value,
        "files": dict(moving.files),
        "baker": moving.settings.baker_id,
        "payout_address": look.payout_address,
        "is_new_baker": written.is_new_baker,
        "first_cycle": look.first_cycle if look.baker is None else look.baker.first_cycle,
        "current_cycle": look.current_cycle,
        "checked_to_level": look.deed.checked_level,
        "wallets": list(look.wallets),
        "taken": [{"old": each.old, "new": each.new} for each in moving.settings.taken],
        "left": [{"old": each.old, "why": each.why} for each in _left(look)],
        "cycles": moving.history.closed,
        "gaps": _gaps(look),
        "paid": {"payments": len(_paid(look)), "total": str(_total(_paid(look)))},
        "held": [
            {
                "cycle": each.payment.cycle,
                "kind": each.payment.kind.value,
                "owed_to": each.payment.owed_to,
                "amount": str(each.payment.amount),
                "place": str(each.payment.place),
                "reason": each.held_because,
            }
            for each in _held(look)
        ],
        "found": [each.found for each in look.checked if each.found is not None],
        "too_small": len(_too_small(look)),
        "new": {
            "cycles": len(written.cycles),
            "paid": written.paid,
            "held": written.held,
            "paid_twice": written.paid_twice,
            "settled": written.settled,
            "proven": written.proven,
        },
        "known": written.known,
    }


def report_text(look: Look) -> str:
    """Write a look for a person."""
    return "\n".join(_lines(look))


def _lines(look: Look) -> Iterator[str]:
    moving = look.moving
    files = len(moving.files)
    yield (
        f"{moving.tool.label}: {files} file{'' if files == 1 else 's'} of the baker "
        f"{moving.settings.baker_id}, paid from {look.payout_address}"
    )
    yield from _settings_lines(look)
    yield from _history_lines(look)
    left = _left(look)
    if left:
        yield "\nHas no place here:"
        yield from (f"  {each.old}: {each.why}" for each in left)
    yield from _outcome_lines(look)


def _settings_lines(look: Look) -> Iterator[str]:
    if look.baker is not None:
        yield "\nThis baker is registered here already: its settings stay as they are."
        return
    yield "\nSettings:"
    yield from (f"  {each.old} → {each.new}" for each in look.moving.settings.taken)
    yield "  mode → simulation: nothing is paid before you switch it on"
    yield f"  first_cycle → {look.first_cycle}"


def _history_lines(look: Look) -> Iterator[str]:
    history = look.moving.history
    yield "\nHistory:"
    if not history.closed:
        yield "  nothing was paid"
    else:
        yield f"  {len(history.closed)} cycles are closed for good: {listed(history.closed)}"
    paid, held = _paid(look), _held(look)
    yield f"  {len(paid)} payments of {format_tez(_total(paid))} tez were made"
    if look.deed.checked_level is None:
        yield "  THE CHAIN WAS NOT ASKED: what the files say is taken at its word"
    else:
        wallets = ", ".join(look.wallets)
        yield f"  each was looked up on chain to block {look.deed.checked_level}, from {wallets}"
        yield from _wallet_hints(look)
    yield from (f"  note: {each.found}" for each in look.checked if each.found is not None)
    if too_small := _too_small(look):
        yield f"  {len(too_small)} payments of 0 tez were left out"
    if gaps := _gaps(look):
        yield f"  in between, nothing is known of {listed(gaps)}: they are not paid here either"
    if held:
        yield f"  {len(held)} payments of {format_tez(_total(held))} tez are held for a person:"
        yield from (
            f"    cycle {each.payment.cycle}, {each.payment.owed_to}, "
            f"{format_tez(each.payment.amount)} tez ({each.payment.place}): {each.held_because}"
            for each in held
        )
        yield "    `bakehouse held` lists them; `bakehouse release` or `drop` decides"


def _wallet_hints(look: Look) -> Iterator[str]:
    if look.moving.settings.payout_address is not None or look.baker is not None:
        return
    others = look.wallets[1:]
    if others:
        yield (
            f"  the old tool has paid from {', '.join(others)} too: if that wallet pays on, name "
            "it with --payout-address"
        )
    elif _held(look) and not _paid(look):
        yield (
            f"  none of these was sent from {look.payout_address}: if another wallet has paid "
            "them, name it with --payout-address"
        )


def _outcome_lines(look: Look) -> Iterator[str]:
    written = look.written
    yield ""
    if not written.changes_anything:
        yield "All of it is here already: nothing changes."
        return
    if written.paid_twice:
        yield (
            f"{written.paid_twice} payments went to people whom {look.moving.tool.label} had paid "
            "for the same cycle before: each is kept with its operation"
        )
    yield (
        f"New here: {len(written.cycles)} cycles, {written.paid} payments made, {written.held} "
        f"held, {written.settled} that were held and are paid, {written.proven} with their "
        f"operation; {written.known} are known."
    )
    open_cycles = look.open_cycles
    if open_cycles:
        yield (
            f"Once the baker is switched on, {listed(open_cycles)} will be paid: "
            f"{len(open_cycles)} finished cycles."
        )


def _left(look: Look) -> list[Any]:
    return [*look.moving.settings.left, *look.moving.history.left]


def _paid(look: Look) -> list[Checked]:
    return [each for each in look.checked if each.is_paid and each.payment.amount > 0]


def _held(look: Look) -> list[Checked]:
    return [each for each in look.checked if not each.is_paid and each.payment.amount > 0]


def _too_small(look: Look) -> list[Checked]:
    return [each for each in look.checked if each.payment.amount == 0]


def _total(several: list[Checked]) -> Mutez:
    return Mutez(sum(each.payment.amount for each in several))


def _gaps(look: Look) -> list[int]:
    closed = look.moving.history.closed
    if not closed:
        return []
    return sorted(set(range(closed[0], closed[-1])) - set(closed))
