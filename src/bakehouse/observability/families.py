"""Readings as Prometheus takes them: names, units, labels. Nothing is read or counted here.

No series goes by delegator: there are too many, and who is paid what is nobody else's business.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from statistics import fmean
from typing import Final

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from bakehouse.alerts.codes import severity_of
from bakehouse.jobs.job_requests import balance_poll_id, cycle_monitor_id
from bakehouse.jobs.job_types import QueueName, ScheduleView
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.figures import (
    OPEN_PAYOUTS,
    CycleFigures,
    OperationFigures,
    PayoutFigures,
)
from bakehouse.ledger.states import (
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
)
from bakehouse.observability.readings import LedgerReadings, QueueReadings, Readings
from bakehouse.rewards.money import Mutez

_BAKER: Final = ("baker",)

Samples = Iterator[tuple[tuple[str, ...], float]]


def families(readings: Readings) -> Iterator[Metric]:
    """Give every family of the readings; those of a part that did not answer are left out."""
    yield _gauge(
        "bakehouse_up",
        "Whether a part that work depends on answers: 1 or 0.",
        ("part",),
        _up(readings),
    )
    if readings.ledger is not None:
        yield from _of_ledger(readings.ledger)
    if readings.queue is not None:
        yield from _of_queue(readings.queue, readings.at)
    if readings.ledger is not None and readings.queue is not None:
        yield _gauge(
            "bakehouse_wallet_runway_cycles",
            "How many more cycles the wallet pays for, if each costs what the last ones did.",
            _BAKER,
            _runways(readings.ledger, readings.queue.balances),
        )
        yield _gauge(
            "bakehouse_schedules_missing",
            "Schedules that a baker should have and the queue does not.",
            _BAKER,
            _missing(readings.ledger.bakers, readings.queue.schedules),
        )


def _of_ledger(ledger: LedgerReadings) -> Iterator[Metric]:
    yield _info_of(ledger.bakers)
    yield from _of_distributions(ledger.cycles)
    yield _gauge(
        "bakehouse_last_paid_cycle",
        "The newest cycle whose delegators are all paid.",
        _BAKER,
        _last_paid(ledger.cycles),
    )
    yield _gauge(
        "bakehouse_payout_lag_cycles",
        "Finished cycles whose delegators wait, in the mode that the baker is in.",
        _BAKER,
        _lags(ledger.bakers, ledger.cycles),
    )
    yield from _of_payouts(ledger.bakers, ledger.payouts)
    yield _gauge(
        "bakehouse_operations",
        "Operations ever signed, by where they are.",
        ("baker", "state"),
        _operations(ledger.bakers, ledger.operations),
    )
    yield _gauge(
        "bakehouse_alerts_open",
        "Alerts whose cause is not gone.",
        ("severity", "code"),
        (((severity_of(code).value, code), count) for code, count in ledger.open_alerts.items()),
    )


def _info_of(bakers: Sequence[Baker]) -> Metric:
    labels = (*_BAKER, "alias", "mode")
    family = InfoMetricFamily("bakehouse_baker", "A baker's name and mode.", labels=labels)
    for each in bakers:
        family.add_metric((each.baker_id, each.alias or "", each.mode.value), {})
    return family


def _of_distributions(cycles: Sequence[CycleFigures]) -> Iterator[Metric]:
    def key(each: CycleFigures) -> tuple[str, ...]:
        return each.baker_id, each.kind.value, each.mode.value, each.state.value

    labels = (*_BAKER, "kind", "mode", "state")
    yield _gauge(
        "bakehouse_distributions",
        "Distributions of cycles, by how far they have come.",
        labels,
        ((key(each), each.count) for each in cycles),
    )
    yield _gauge(
        "bakehouse_distributions_net_mutez",
        "What the payouts of those distributions come to.",
        labels,
        ((key(each), each.net) for each in cycles),
    )


def _of_payouts(bakers: Sequence[Baker], figures: Sequence[PayoutFigures]) -> Iterator[Metric]:
    found = {(each.baker_id, each.state): each for each in figures}
    keys = [(baker.baker_id, state) for baker in bakers for state in sorted(OPEN_PAYOUTS)]
    labels = ("baker", "state")
    yield _gauge(
        "bakehouse_payouts",
        "Live payouts that are neither paid nor dropped.",
        labels,
        ((key, found[key].count if key in found else 0) for key in keys),
    )
    yield _gauge(
        "bakehouse_payouts_mutez",
        "What those payouts come to.",
        labels,
        ((key, found[key].net if key in found else 0) for key in keys),
    )


def _of_queue(queue: QueueReadings, at: datetime) -> Iterator[Metric]:
    yield _gauge(
        "bakehouse_jobs_in_state",
        "Jobs that a queue holds, by state.",
        ("queue", "state"),
        (
            ((name.value, state.value), count)
            for name, counts in queue.jobs.items()
            for state, count in counts.items()
        ),
    )
    yield _gauge(
        "bakehouse_schedule_lag_seconds",
        "By how much the next run of a schedule is late; 0 while it is still to come.",
        (*_BAKER, "schedule"),
        _schedule_lags(queue.schedules, at),
    )
    yield _gauge(
        "bakehouse_wallet_balance_mutez",
        "The payout wallet as last read.",
        _BAKER,
        (((baker_id,), balance) for baker_id, balance in queue.balances.items()),
    )


def _up(readings: Readings) -> Samples:
    yield ("ledger",), readings.ledger is not None
    yield ("queue",), readings.queue is not None
    for queue in QueueName:
        if queue in readings.workers:
            yield (f"worker {queue}",), readings.workers[queue]


def _last_paid(cycles: Sequence[CycleFigures]) -> Samples:
    for each in cycles:
        is_of_delegators = each.kind is DistributionKind.DELEGATORS and each.mode is Mode.ON
        if is_of_delegators and each.state is DistributionState.PAID:
            yield (each.baker_id,), each.newest_cycle


def _lags(bakers: Sequence[Baker], cycles: Sequence[CycleFigures]) -> Samples:
    for baker in bakers:
        waiting = (
            each.count
            for each in cycles
            if each.baker_id == baker.baker_id
            and each.mode is baker.mode
            and each.kind is DistributionKind.DELEGATORS
            and each.state not in SETTLED_DISTRIBUTIONS
        )
        yield (baker.baker_id,), sum(waiting)


def _operations(bakers: Sequence[Baker], figures: Sequence[OperationFigures]) -> Samples:
    counts = {(each.baker_id, each.state): each.count for each in figures}
    for baker in bakers:
        for state in OperationState:
            key = (baker.baker_id, state)
            yield (baker.baker_id, state.value), counts.get(key, 0)


def _runways(ledger: LedgerReadings, balances: Mapping[str, Mutez]) -> Samples:
    costs = defaultdict(list)
    for each in ledger.costs:
        costs[each.baker_id, each.mode].append(each.net)
    for baker in ledger.bakers:
        balance = balances.get(baker.baker_id)
        its_own = costs.get((baker.baker_id, baker.mode))
        if balance is not None and its_own:
            yield (baker.baker_id,), balance / fmean(its_own)


def _schedule_lags(schedules: Sequence[ScheduleView], at: datetime) -> Samples:
    for schedule in schedules:
        match schedule.data:
            # Other tools may keep schedules of their own in these queues.
            case {"baker_id": str(baker_id)} if schedule.id in _schedule_ids(baker_id):
                if schedule.next_run_at is not None:
                    late = (at - schedule.next_run_at).total_seconds()
                    yield (baker_id, schedule.name), max(0.0, late)


def _missing(bakers: Sequence[Baker], schedules: Sequence[ScheduleView]) -> Samples:
    present = {schedule.id for schedule in schedules if schedule.next_run_at is not None}
    for baker in bakers:
        wanted = _schedule_ids(baker.baker_id) if baker.scheduled else set()
        yield (baker.baker_id,), len(wanted - present)


def _schedule_ids(baker_id: str) -> set[str]:
    return {cycle_monitor_id(baker_id), balance_poll_id(baker_id)}


def _gauge(name: str, words: str, labels: Sequence[str], samples: Samples) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family
