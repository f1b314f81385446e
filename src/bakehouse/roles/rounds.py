"""The role `scheduler`: sees that nothing is forgotten. It makes jobs and alerts, signs nothing.

Any number may run: one does the rounds, the others stand by.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bakehouse.config import Config
from bakehouse.jobs.alert_post import post_alerts_forever
from bakehouse.jobs.alert_watch import watch_forever
from bakehouse.jobs.duty import Duty, Work, on_duty
from bakehouse.jobs.reconciler import keep_in_step_forever
from bakehouse.roles.background import in_background
from bakehouse.roles.foundation import Foundation, Hands, lay_foundation, require_shared
from bakehouse.roles.health import open_health


@asynccontextmanager
async def scheduler(config: Config, hands: Hands | None = None) -> AsyncIterator[Foundation]:
    """Do the rounds while the block runs, or stand by. Raises SettingError, ConflictError."""
    require_shared(config, "scheduler")
    async with AsyncExitStack() as stack:
        keyless = hands or Hands(with_keys=False)
        foundation = await lay_foundation(stack, config, keyless, alone=False)
        await open_health(stack, foundation)
        do_rounds_in_turn(stack, foundation)
        yield foundation


def do_rounds_in_turn(stack: AsyncExitStack, foundation: Foundation) -> None:
    """Do the rounds whenever no other process does, until `stack` is closed."""
    payer = foundation.workshop.payer
    in_background(stack, on_duty(payer, Duty.ROUNDS, rounds(foundation)))


def rounds(foundation: Foundation) -> list[Work]:
    """Give what is done again and again by one process at a time."""
    workshop, secret_key = foundation.workshop, foundation.config.secret_key
    return [
        lambda: keep_in_step_forever(
            workshop, foundation.scheduler, foundation.instruments.reconciled
        ),
        lambda: watch_forever(workshop),
        lambda: post_alerts_forever(workshop, secret_key),
    ]
