"""Named places at which fault tests stop, kill or fail a process. In production they do nothing.

A place is named where it matters, `failpoint(Failpoint.AFTER_PERSIST)`; only a test sets a hook,
and only for the tasks of its own context. No code may decide anything here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum


class Failpoint(StrEnum):
    """Every step of a payment's life at which a machine can stop, in the order of that life."""

    BOOT = "boot"
    CLAIM = "claim"  # the lease is ours, nothing was read
    AFTER_SNAPSHOT = "after-snapshot"  # the split was read, nothing is stored
    MID_PLAN_WRITE = "mid-plan-write"  # within the transaction that stores a plan
    AFTER_PLAN = "after-plan"
    AFTER_ORDER = "after-order"  # an order outside any cycle is entered, nothing is signed
    AFTER_APPROVE = "after-approve"  # all guards passed, no counter was read
    COUNTER_RESERVED = "counter-reserved"  # counter, branch and balance were read
    AFTER_FORGE = "after-forge"  # simulated, priced and forged
    AFTER_SIGN = "after-sign"  # signed, and nobody else knows
    MID_PERSIST = "mid-persist"  # within the transaction that stores the signature
    AFTER_PERSIST = "after-persist"
    BEFORE_INJECT = "before-inject"  # the ledger says injected, no byte has left
    MID_INJECT = "mid-inject"  # some nodes have the bytes, others may not
    AFTER_INJECT = "after-inject"  # every node was told, no answer is stored
    INJECT_UNKNOWN = "inject-unknown"  # no node gave an answer that means anything
    EACH_POLL = "each-poll"  # about to look for an operation in blocks
    SEEN_INCLUDED = "seen-included"  # found in a block, not stored yet
    AFTER_INCLUDED = "after-included"
    BEFORE_FINAL = "before-final"  # deep enough, not settled yet
    MID_MARK_PAID = "mid-mark-paid"  # within the transaction that settles
    AFTER_MARK_PAID = "after-mark-paid"
    BEFORE_DEATH = "before-death"  # proven dead, not stored yet
    MID_DEATH = "mid-death"  # within the transaction that releases its payouts
    AFTER_DEATH = "after-death"
    LEASE_RENEW = "lease-renew"
    AFTER_CLOSE = "after-close"  # the distribution is closed, what follows was not asked for
    JOB_ACK = "job-ack"  # the work is done, the queue does not know yet
    ALERT_STORED = "alert-stored"
    ALERT_SENT = "alert-sent"  # a channel has the message, the ledger does not know
    HOOK_ANSWERED = "hook-answered"  # a hook has answered, the ledger does not know
    HOOK_TOLD = "hook-told"  # a hook knows, the ledger does not know that
    ANNOUNCEMENT_CLAIMED = "announcement-claimed"  # noted as being said, nobody has it yet
    ANNOUNCEMENT_SENT = "announcement-sent"  # a channel has it, the ledger does not know
    MIGRATION_MID = "migration-mid"
    MID_IMPORT = "mid-import"  # within the transaction that enters another tool's history
    SHUTDOWN = "shutdown"


Hook = Callable[[Failpoint], None]

_hook: ContextVar[Hook | None] = ContextVar("failpoint_hook", default=None)


def failpoint(place: Failpoint) -> None:
    """Let a test, if there is one, do its worst here."""
    hook = _hook.get()
    if hook is not None:
        hook(place)


@contextmanager
def hooked(hook: Hook) -> Iterator[None]:
    """Call `hook` at every place that is passed in this context, and in tasks started from it."""
    token = _hook.set(hook)
    try:
        yield
    finally:
        _hook.reset(token)
