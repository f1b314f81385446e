"""Every router of the API, in the order in which its document shows them."""

from typing import Final

from bakehouse.web.api import (
    alerts,
    announcements,
    audit,
    bakers,
    bond_pool,
    channels,
    cycle_hooks,
    cycles,
    decisions,
    document,
    exports,
    fees,
    health,
    hooks,
    jobs,
    mode,
    operations,
    overview,
    payouts,
    simulations,
    waiting,
)

ROUTERS: Final = tuple(
    each.router
    for each in (
        jobs,
        bakers,
        overview,
        mode,
        fees,
        bond_pool,
        cycles,
        cycle_hooks,
        payouts,
        operations,
        simulations,
        waiting,
        decisions,
        hooks,
        announcements,
        exports,
        # Before the alerts: no alert is numbered "channels".
        channels,
        alerts,
        audit,
        health,
        document,
    )
)

TAGS: Final = [
    {"name": "jobs", "description": "Schedules and triggers, under their long-known paths."},
    {"name": "bakers", "description": "Bakers: where they stand, their settings and modes."},
    {"name": "fees", "description": "Fees of single delegators, and how they changed."},
    {"name": "bond pool", "description": "Who lent the baker its bonds, and for which share."},
    {"name": "cycles", "description": "What each cycle pays, and what became of it. To read."},
    {"name": "payouts", "description": "Payouts of all cycles. To read."},
    {"name": "operations", "description": "What was signed and sent, and its fate."},
    {"name": "simulations", "description": "What would be paid, and what that changes."},
    {"name": "decisions", "description": "What waits for a person, and what they decide."},
    {"name": "hooks", "description": "Programs of the baker's own that are asked and told."},
    {"name": "announcements", "description": "What is said in public when a cycle is paid."},
    {"name": "export", "description": "The books as files."},
    {"name": "alerts", "description": "What deserves a person's attention, and where it is sent."},
    {"name": "audit", "description": "Who did what, and when. To read."},
    {"name": "health", "description": "For whoever watches over this process."},
]
