"""The pages on which people change things, for the application to serve. Nothing else is here."""

from typing import Final

from fastapi import APIRouter

from bakehouse.web.pages import (
    alerts,
    announcements,
    audit,
    bond_pool,
    deductions,
    fees,
    go,
    hooks,
    income,
    live,
    new_baker,
    rules,
    schedules,
    settings,
    simulation,
    stop,
    transfer_decisions,
    transfers,
    waiting,
)

CHANGING: Final[tuple[APIRouter, ...]] = (
    # First: its address looks like that of a baker named "new".
    new_baker.router,
    *(simulation.router, go.router, settings.router, live.router, stop.router),
    *(
        fees.router,
        rules.router,
        income.router,
        bond_pool.router,
        transfers.router,
        transfer_decisions.router,
        deductions.router,
        waiting.router,
        schedules.router,
        audit.router,
    ),
    *(alerts.router, announcements.router, hooks.router),
)
