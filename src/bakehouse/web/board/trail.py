"""Who asked what of the queues: told to the audit trail before it is done."""

from typing import Any

from fastapi import Depends, Request

from bakehouse.ledger import audit
from bakehouse.ledger.audit import AuditEvent
from bakehouse.web.caller import CallerOf
from bakehouse.web.services import Services


async def _note(request: Request, caller: CallerOf, services: Services) -> None:
    # Queue and ledger share no transaction. What was asked and then failed is in the trail too.
    detail = dict(request.path_params)
    event = AuditEvent(
        services.workshop.payer.clock(),
        caller.actor,
        f"queue.{request.scope['route'].name.replace('_', '-')}",
        detail.pop("queue", "all queues"),
        detail,
    )
    async with services.workshop.payer.ledger.write() as tx:
        await audit.record(tx, event)


def noted() -> Any:
    """Have what a router's routes are asked to do noted: a dependency, after that of the role."""
    return Depends(_note)
