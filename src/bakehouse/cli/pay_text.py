"""How `bakehouse pay` and `bakehouse transfer` tell what came of it. No ledger, no chain."""

from collections.abc import Iterator
from typing import Any

from bakehouse.cli.pay_run import Ended, Outcome, Run
from bakehouse.ledger.manual_transfers import ManualTransfer
from bakehouse.ledger.states import ManualOrigin, ManualState
from bakehouse.payments.by_hand import OrderStep
from bakehouse.payments.step import Step
from bakehouse.rewards.money import format_tez


def lines_of(run: Run) -> Iterator[str]:
    """Tell a person what came of one baker's payments."""
    if run.trouble:
        yield run.trouble
    for order in run.orders:
        yield order_line(order)
    for ended in run.ended:
        yield _line(ended)
    for key in run.failed:
        yield (
            f"cycle {key.cycle}, {key.kind.value}: it failed before; see `bakehouse status`, and "
            f"`bakehouse pay {key.baker_id} --failed` once its cause is mended"
        )
    if run.outcome is Outcome.NOTHING:
        yield "nothing to do"


def document_of(run: Run) -> dict[str, Any]:
    """Write the same as JSON data."""
    return {
        "baker": run.baker_id,
        "outcome": run.outcome.name.lower(),
        "trouble": run.trouble or None,
        "payments": [payment_document(each) for each in run.ended],
        "failed": [{"cycle": key.cycle, "kind": key.kind.value} for key in run.failed],
        "transfers": [order_document(each.transfer, each) for each in run.orders],
    }


def payment_document(ended: Ended) -> dict[str, Any]:
    """Write what came of one distribution."""
    told = {
        "cycle": ended.key.cycle,
        "kind": ended.key.kind.value,
        "outcome": ended.outcome.name.lower(),
        "reason": ended.reason or None,
    }
    return told if ended.step is None else {**told, **_of_step(ended.step)}


def order_line(step: OrderStep) -> str:
    """Tell a person what came of an order."""
    transfer = step.transfer
    what = (
        f"reveal of {transfer.source}"
        if transfer.origin is ManualOrigin.REVEAL
        else f"{format_tez(transfer.amount)} tez to {transfer.destination}"
    )
    match transfer.state:
        case ManualState.DONE:
            end = "done"
        case ManualState.FAILED:
            end = f"failed: {transfer.reason}"
        case _:
            end = f"not done yet, it waits for {step.waiting_for}"
    if step.quarantined:
        end = f"nobody can prove what became of {', '.join(step.quarantined)}: look it up, and see "
        end += "`bakehouse declare-dead`"
    return f"{what} (key {transfer.idempotence_key}): {end}"


def order_document(transfer: ManualTransfer, step: OrderStep | None = None) -> dict[str, Any]:
    """Write an order as JSON data."""
    return {
        "id": transfer.id,
        "origin": transfer.origin.value,
        "key": transfer.idempotence_key,
        "source": transfer.source,
        "destination": transfer.destination,
        "amount": str(transfer.amount),
        "state": transfer.state.value,
        "reason": transfer.reason,
        "waiting_for": (step.waiting_for or None) if step else None,
        "quarantined": list(step.quarantined) if step else [],
    }


def _line(ended: Ended) -> str:
    key, step = ended.key, ended.step
    name = f"cycle {key.cycle}, {key.kind.value}"
    if step is None:
        told = "another process is at work" if ended.outcome is Outcome.BUSY else "refused"
        return f"{name}: {told}: {ended.reason}"
    if step.quarantined:
        end = f"nobody can prove what became of {', '.join(step.quarantined)}: look it up, and see "
        end += "`bakehouse declare-dead`"
    elif step.awaits_go:
        end = f"it is the first that is paid: look at the plan, then `bakehouse go {key.baker_id} "
        end += f"{key.cycle} --why …`"
    elif not step.is_settled:
        end = f"it waits for {step.waiting_for}"
    else:
        end = f"settled, {format_tez(step.paid_mutez)} tez"
    held = f"; {step.held} held, see `bakehouse held {key.baker_id}`" if step.held else ""
    return f"{name}: {step.paid} of {step.total} payouts paid; {end}{held}"


def _of_step(step: Step) -> dict[str, Any]:
    return {
        "state": step.distribution.state.value,
        "payouts": step.total,
        "paid": step.paid,
        "held": step.held,
        "total_net": str(step.distribution.figures.total_net),
        "paid_mutez": str(step.paid_mutez),
        "waiting_for": step.waiting_for or None,
        "awaits_go": step.awaits_go,
        "quarantined": list(step.quarantined),
    }
