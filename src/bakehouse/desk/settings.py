"""Bakers and their settings: registered, changed, switched on and off, taken out of service."""

from collections.abc import Mapping
from typing import Any, Final

import structlog

from bakehouse.errors import ConflictError, InputError, SettingError, SignerError, SourceError
from bakehouse.jobs import job_requests
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.states import Mode
from bakehouse.payments.due import final_cycle
from bakehouse.payments.payer import Payer
from bakehouse.tezos.address import Address, parse_implicit

_log = structlog.get_logger(__name__)

#: What schedules are made from: a change takes effect on them at once.
_SCHEDULED_BY: Final = frozenset({"update_freq", "scheduled", "mode"})


async def register(
    workshop: Workshop,
    scheduler: Scheduler,
    baker_id: str,
    settings: Mapping[str, Any],
    *,
    actor: str,
) -> Baker:
    """Register a baker with typed settings; it starts in simulation and is looked at once.

    Without `payout_address` it pays from its own address; without `first_cycle` a node is asked for
    the cycle that runs now, so that nothing older is touched. Raises ConflictError for one that is
    there, InputError or SettingError for what cannot be, SourceError when no node answers.
    """
    _refuse_mode(settings)
    address, payer = parse_implicit(baker_id), workshop.payer
    await _require_funding_key(payer, settings)
    async with payer.ledger.read() as tx:
        if await bakers.find(tx, address) is not None:
            raise ConflictError(f"the baker {address} is registered already")
    chosen = {"payout_address": address, **settings}
    if "first_cycle" not in chosen:
        chosen["first_cycle"] = await final_cycle(payer)
    network = await payer.node.chain_id()
    baker = Baker(baker_id=address, network=network, **chosen)
    async with payer.ledger.write() as tx:
        await bakers.add(tx, baker, actor=actor, at=payer.clock())
    await _schedule(workshop, scheduler, baker, looks_at_once=True)
    return baker


async def change(  # noqa: PLR0913 - keyword-only facts of one change
    workshop: Workshop,
    scheduler: Scheduler,
    baker_id: str,
    settings: Mapping[str, Any],
    *,
    actor: str,
    why: str | None = None,
) -> Baker:
    """Change typed settings (`payments.baker_settings` types texts), schedules with them.

    The mode is not among them: `switch_on` and `switch_to` change it. Raises NotFoundError for an
    unknown baker, SettingError for a setting that is unknown or out of range.
    """
    _refuse_mode(settings)
    await _require_funding_key(workshop.payer, settings)
    return await _change(workshop, scheduler, baker_id, settings, actor, why)


async def switch_on(
    workshop: Workshop, scheduler: Scheduler, baker_id: str, *, typed: str, actor: str
) -> Baker:
    """Let a baker pay for real, after its alias or its address was typed; it is scheduled again.

    Only for a person who has just entered their password once more: the caller sees to that.
    Raises InputError for another text, NotFoundError for an unknown baker.
    """
    async with workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    if not is_named(baker, typed):
        name = f"its alias ({baker.alias}) or its address" if baker.alias else "its address"
        raise InputError(f"to let {baker_id} pay for real, type {name} exactly as it is written")
    settings = {"mode": Mode.ON, "scheduled": True}
    return await _change(workshop, scheduler, baker_id, settings, actor)


async def switch_to(
    workshop: Workshop, scheduler: Scheduler, baker_id: str, mode: Mode, *, actor: str
) -> Baker:
    """Switch a baker off or to simulation, at once; raises InputError for `on`."""
    if mode is Mode.ON:
        raise InputError("a baker is switched on by a person, with password and name typed")
    return await _change(workshop, scheduler, baker_id, {"mode": mode}, actor)


async def remove(workshop: Workshop, scheduler: Scheduler, baker_id: str, *, actor: str) -> Baker:
    """Take a baker out of service: off and without schedules. Nothing that was paid is deleted."""
    settings = {"mode": Mode.OFF, "scheduled": False}
    return await _change(workshop, scheduler, baker_id, settings, actor)


def is_named(baker: Baker, typed: str) -> bool:
    """Whether a typed text is the baker's alias or address, to the letter."""
    return typed.strip() in {baker.baker_id, *([baker.alias.strip()] if baker.alias else [])}


async def _change(  # noqa: PLR0913, PLR0917 - what is changed, by whom and why
    workshop: Workshop,
    scheduler: Scheduler,
    baker_id: str,
    settings: Mapping[str, Any],
    actor: str,
    why: str | None = None,
) -> Baker:
    payer = workshop.payer
    async with payer.ledger.write(why=why) as tx:
        changed = await bakers.change(tx, baker_id, settings, actor=actor, at=payer.clock())
    if _SCHEDULED_BY & set(settings):
        await _schedule(workshop, scheduler, changed, looks_at_once="mode" in settings)
    return changed


async def _schedule(
    workshop: Workshop, scheduler: Scheduler, baker: Baker, *, looks_at_once: bool
) -> None:
    try:
        # Says at once that the queue is away; the next call would wait for it.
        await workshop.engine.ping()
        await scheduler.update_schedule(baker.baker_id)
        if looks_at_once and baker.scheduled and baker.mode is not Mode.OFF:
            # What failed is not taken up by this: a person decides about it.
            await workshop.engine.add(job_requests.check_cycle(baker.baker_id))
            await workshop.engine.add(job_requests.poll_balance(baker.baker_id))
    except SourceError as error:
        # The ledger has it: the reconciler brings the schedules up to it within a minute.
        _log.warning("schedules-later", baker=baker.baker_id, error=error.message)


async def _require_funding_key(payer: Payer, settings: Mapping[str, Any]) -> None:
    address = settings.get("funding_address")
    if address is None:
        return
    try:
        await payer.signers.of(Address(address))
    except SignerError as error:
        raise SettingError(f"funding_address: nobody can sign for {address}: {error}") from error


def _refuse_mode(settings: Mapping[str, Any]) -> None:
    if "mode" in settings:
        raise InputError("the mode is no setting like others: switch it by itself")
