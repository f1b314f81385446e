"""The jobs there are, as requests: what each is told, how often it is tried. Nothing runs here."""

from collections.abc import Mapping

from bakehouse.errors import InputError
from bakehouse.jobs.job_types import (
    JSON,
    PRIORITY_MANUAL,
    PRIORITY_SCHEDULED,
    JobName,
    JobOptions,
    JobRequest,
    QueueName,
    Schedule,
)
from bakehouse.ledger.alert_deliveries import Delivery
from bakehouse.ledger.announcements import Announcement
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.deliveries import ATTEMPTS_MAX
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.hook_deliveries import HookDelivery
from bakehouse.ledger.states import DistributionKind, Mode

#: Minutes between two looks at a baker's wallet.
BALANCE_POLL_MINUTES = 5

#: Beyond this the ledger holds no cycle, and SQLite no number.
_CYCLE_MAX = 2**31 - 1
_ROW_ID_MAX = 2**63 - 1

_CHAIN_READ = JobOptions(priority=PRIORITY_SCHEDULED, attempts=3, backoff_seconds=5)
_BY_HAND = JobOptions(priority=PRIORITY_MANUAL, attempts=3, backoff_seconds=5)

_KINDS = {
    DistributionKind.DELEGATORS: (QueueName.REWARD_DISTRIBUTION, JobName.DISTRIBUTE),
    DistributionKind.BOND_POOL: (QueueName.BOND_POOL, JobName.DISTRIBUTE_BOND_POOL),
}


def cycle_monitor_id(baker_id: str) -> str:
    """Name the schedule that looks for finished cycles."""
    return f"cycle-monitor-{baker_id}"


def balance_poll_id(baker_id: str) -> str:
    """Name the schedule that reads the wallet's balance."""
    return f"balance-poll-{baker_id}"


def cycle_monitor(baker: Baker, minute_seconds: int) -> Schedule:
    """Look for finished cycles every `update_freq` minutes."""
    return Schedule(
        id=cycle_monitor_id(baker.baker_id),
        queue=QueueName.CYCLE_MONITORING,
        name=JobName.CHECK_CYCLE,
        data={"baker_id": baker.baker_id},
        every_seconds=baker.update_freq * minute_seconds,
        options=_CHAIN_READ,
    )


def balance_poll(baker: Baker, minute_seconds: int) -> Schedule:
    """Read the wallet's balance every five minutes."""
    return Schedule(
        id=balance_poll_id(baker.baker_id),
        queue=QueueName.BLOCKCHAIN_POLLING,
        name=JobName.POLL_BALANCE,
        data={"baker_id": baker.baker_id},
        every_seconds=BALANCE_POLL_MINUTES * minute_seconds,
        options=_CHAIN_READ,
    )


def check_cycle(baker_id: str, *, retry_failed: bool = False) -> JobRequest:
    """Look for finished cycles now; `retry_failed` also takes up what waits for a person."""
    return JobRequest(
        queue=QueueName.CYCLE_MONITORING,
        name=JobName.CHECK_CYCLE,
        data={"baker_id": baker_id, "retry_failed": retry_failed},
        options=_BY_HAND,
    )


def look_after_start(baker_id: str, delay_seconds: int) -> JobRequest:
    """Look for finished cycles after a while; while such a job is under way, none is added."""
    return JobRequest(
        queue=QueueName.CYCLE_MONITORING,
        name=JobName.CHECK_CYCLE,
        data={"baker_id": baker_id, "retry_failed": False},
        options=_BY_HAND,
        delay_seconds=delay_seconds,
        deduplication_id=f"look-{baker_id}",
    )


def poll_balance(baker_id: str) -> JobRequest:
    """Read the wallet's balance now."""
    return JobRequest(
        queue=QueueName.BLOCKCHAIN_POLLING,
        name=JobName.POLL_BALANCE,
        data={"baker_id": baker_id},
        options=_BY_HAND,
    )


def distribute(key: DistributionKey, baker: Baker, minute_seconds: int) -> JobRequest:
    """Take one distribution to its end; while such a job is under way, no second one is added."""
    queue, name = _KINDS[key.kind]
    return JobRequest(
        queue=queue,
        name=name,
        data={
            "network": key.network,
            "baker_id": key.baker_id,
            "cycle": key.cycle,
            "kind": key.kind.value,
            "mode": key.mode.value,
        },
        options=JobOptions(
            attempts=baker.payment_retries + 1,
            backoff_seconds=baker.minutes_between_retries * minute_seconds,
        ),
        deduplication_id=f"{key.baker_id}-{key.cycle}-{key.kind}-{key.mode}",
    )


def first_wait_seconds(minute_seconds: int) -> int:
    """Give how long a message that was not taken waits for its second attempt: half a minute."""
    return max(1, minute_seconds // 2)


def deliver_alert(delivery: Delivery, minute_seconds: int) -> JobRequest:
    """Send one message; while such a job is under way, no second one is added."""
    left = ATTEMPTS_MAX - delivery.attempts
    return _delivery(JobName.DELIVER_ALERT, "delivery", delivery.id, left, minute_seconds)


def deliver_announcement(wanted: Announcement, minute_seconds: int) -> JobRequest:
    """Say one announcement; while such a job is under way, no second one is added."""
    left = ATTEMPTS_MAX - wanted.attempts
    return _delivery(JobName.DELIVER_ANNOUNCEMENT, "announcement", wanted.id, left, minute_seconds)


def tell_hook(delivery: HookDelivery, minute_seconds: int) -> JobRequest:
    """Tell a hook one event; while such a job is under way, no second one is added."""
    left = ATTEMPTS_MAX - delivery.attempts
    return _delivery(JobName.TELL_HOOK, "hook-delivery", delivery.id, left, minute_seconds)


def _delivery(
    name: JobName, kind: str, number: int, attempts_left: int, minute_seconds: int
) -> JobRequest:
    return JobRequest(
        queue=QueueName.ALERT_DELIVERY,
        name=name,
        data={"delivery_id": number},
        options=JobOptions(
            attempts=max(1, attempts_left),
            backoff_seconds=first_wait_seconds(minute_seconds),
        ),
        deduplication_id=f"{kind}-{number}",
    )


def baker_of(data: JSON) -> str:
    """Read whom a job is about; raises InputError for a job that does not say."""
    return _text(data, "baker_id")


def delivery_of(data: JSON) -> int:
    """Read which delivery a job is about; raises InputError for a job that does not say."""
    number = _field(data, "delivery_id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < _ROW_ID_MAX:
        raise InputError("this job names no delivery: it was not made by Bakehouse")
    return number


def distribution_of(data: JSON) -> DistributionKey:
    """Read which distribution a job is about; raises InputError for one that does not say."""
    cycle = _field(data, "cycle")
    if not isinstance(cycle, int) or isinstance(cycle, bool) or not 0 <= cycle <= _CYCLE_MAX:
        raise InputError("this job names no cycle: it was not made by Bakehouse")
    try:
        kind, mode = DistributionKind(_text(data, "kind")), Mode(_text(data, "mode"))
    except ValueError as error:
        raise InputError(f"this job cannot be understood: {error}") from error
    return DistributionKey(_text(data, "network"), _text(data, "baker_id"), cycle, kind, mode)


def _text(data: JSON, name: str) -> str:
    value = _field(data, name)
    # What is asked for here is ASCII; JSON can hold texts that no database can.
    if not isinstance(value, str) or not value.isascii():
        raise InputError(f"this job names no {name}: it was not made by Bakehouse")
    return value


def _field(data: JSON, name: str) -> JSON:
    # A dashboard lets people add jobs with any JSON as their data.
    return data.get(name) if isinstance(data, Mapping) else None
