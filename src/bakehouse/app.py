"""The one place where everything is wired together in one process. No logic of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bakehouse.config import Config
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.jobs.alert_post import post_alerts_forever
from bakehouse.jobs.alert_watch import watch_forever
from bakehouse.jobs.reconciler import look_at_once, reconcile, reconcile_forever
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.workshop import MINUTE_SECONDS, Workshop
from bakehouse.payments.payer import PaymentLimits
from bakehouse.roles.background import in_background
from bakehouse.roles.foundation import Foundation, Hands, lay_foundation
from bakehouse.roles.pages import open_pages
from bakehouse.roles.rounds import do_rounds_in_turn
from bakehouse.roles.work import follow_in_turn, run_jobs
from bakehouse.tezos.signer import LocalSigner


@dataclass(frozen=True, slots=True)
class Bakehouse:
    """A running Bakehouse."""

    url: str
    workshop: Workshop
    scheduler: Scheduler


@asynccontextmanager
async def running(  # noqa: PLR0913 - each has a default
    config: Config,
    *,
    passphrase: str | None = None,
    signers: tuple[LocalSigner, ...] = (),
    minute_seconds: int = MINUTE_SECONDS,
    pages_are_open: bool = False,
    limits: PaymentLimits | None = None,
) -> AsyncIterator[Bakehouse]:
    """Run all of Bakehouse while the block runs: queue, ledger, workers, schedules, web.

    `passphrase` of the key files is what a person typed; without it, settings say where it is.
    Raises SettingError for what cannot work, before any job is run.
    """
    hands = Hands(
        passphrase=passphrase, signers=signers, limits=limits, minute_seconds=minute_seconds
    )
    async with AsyncExitStack() as stack:
        stack.callback(failpoint, Failpoint.SHUTDOWN)
        failpoint(Failpoint.BOOT)
        foundation = await lay_foundation(stack, config, hands, alone=True)
        url = await open_pages(stack, foundation, are_open=pages_are_open)
        # Only now: whoever cannot have the port must not begin to pay.
        run_jobs(foundation)
        if foundation.is_shared:
            do_rounds_in_turn(stack, foundation)
            follow_in_turn(stack, foundation)
        else:
            await _do_all_rounds(stack, foundation)
        yield Bakehouse(url, foundation.workshop, foundation.scheduler)


async def _do_all_rounds(stack: AsyncExitStack, foundation: Foundation) -> None:
    """Make good what was missed, then do it again and again: nobody else has this queue."""
    workshop, scheduler = foundation.workshop, foundation.scheduler
    reconciled = foundation.instruments.reconciled
    await reconcile(workshop, scheduler)
    reconciled()
    await look_at_once(workshop)
    for work in (
        reconcile_forever(workshop, scheduler, reconciled),
        watch_forever(workshop),
        post_alerts_forever(workshop, foundation.config.secret_key),
    ):
        in_background(stack, work)
