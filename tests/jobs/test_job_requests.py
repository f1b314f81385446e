"""What jobs and schedules are made from, and what is read back from their data."""

import json
from typing import Any

import pytest

from bakehouse.errors import InputError
from bakehouse.jobs import job_requests
from bakehouse.jobs.job_types import PRIORITY_MANUAL, PRIORITY_SCHEDULED, JobName, QueueName
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, Mode

BAKER = Baker(
    baker_id="tz1-baker",
    network="NetX",
    payout_address="tz1-payout",
    first_cycle=1,
    update_freq=7,
    payment_retries=3,
    minutes_between_retries=2,
)
KEY = DistributionKey("NetX", "tz1-baker", 750, DistributionKind.DELEGATORS, Mode.ON)
SOUND = {
    "network": "NetX",
    "baker_id": "tz1-baker",
    "cycle": 750,
    "kind": "delegators",
    "mode": "on",
}


def test_cycles_are_looked_for_every_update_freq_minutes() -> None:
    schedule = job_requests.cycle_monitor(BAKER, minute_seconds=60)

    assert schedule.id == "cycle-monitor-tz1-baker"
    assert (schedule.queue, schedule.name) == (QueueName.CYCLE_MONITORING, JobName.CHECK_CYCLE)
    assert schedule.every_seconds == 7 * 60
    assert schedule.data == {"baker_id": "tz1-baker"}
    assert schedule.options.priority == PRIORITY_SCHEDULED


def test_balances_are_read_every_five_minutes() -> None:
    schedule = job_requests.balance_poll(BAKER, minute_seconds=60)

    assert schedule.id == "balance-poll-tz1-baker"
    assert (schedule.queue, schedule.name) == (QueueName.BLOCKCHAIN_POLLING, JobName.POLL_BALANCE)
    assert schedule.every_seconds == 5 * 60
    assert schedule.data == {"baker_id": "tz1-baker"}


def test_what_a_person_asks_for_overtakes_what_is_scheduled_and_is_never_held_back() -> None:
    for request in (job_requests.check_cycle("tz1-baker"), job_requests.poll_balance("tz1-baker")):
        assert request.options.priority == PRIORITY_MANUAL < PRIORITY_SCHEDULED
        assert request.deduplication_id is None
        assert request.delay_seconds == 0


@pytest.mark.parametrize(
    ("kind", "queue", "name"),
    [
        (DistributionKind.DELEGATORS, "reward-distribution", "distribute"),
        (DistributionKind.BOND_POOL, "bond-pool", "distribute-bond-pool"),
    ],
)
@pytest.mark.parametrize("mode", [Mode.ON, Mode.SIMULATION])
def test_a_distribution_goes_to_the_queue_of_its_kind_and_is_read_back_as_it_was(
    kind: DistributionKind, queue: str, name: str, mode: Mode
) -> None:
    key = DistributionKey("NetX", "tz1-baker", 750, kind, mode)

    request = job_requests.distribute(key, BAKER, minute_seconds=60)

    assert (request.queue.value, request.name.value) == (queue, name)
    assert job_requests.distribution_of(json.loads(json.dumps(request.data))) == key


def test_a_distribution_is_tried_once_more_than_it_is_retried_after_the_bakers_minutes() -> None:
    options = job_requests.distribute(KEY, BAKER, minute_seconds=60).options

    assert options.attempts == 4
    assert options.backoff_seconds == 2 * 60


def test_only_requests_for_the_very_same_distribution_are_taken_for_one() -> None:
    keys = [
        DistributionKey("NetX", baker_id, cycle, kind, mode)
        for baker_id in ("tz1-baker", "tz1-other")
        for cycle in (750, 751)
        for kind in DistributionKind
        for mode in (Mode.ON, Mode.SIMULATION)
    ]

    ids = {job_requests.distribute(key, BAKER, 60).deduplication_id for key in keys}

    assert None not in ids
    assert len(ids) == len(keys)


MISTAKES: dict[str, Any] = {
    "nothing": None,
    "a number": 7,
    "a text": "tz1-baker",
    "a list": [750],
    "no fields": {},
    "no network": {**SOUND, "network": None},
    "no baker": {**SOUND, "baker_id": None},
    "a number for a baker": {**SOUND, "baker_id": 7},
    "a text that no database holds": {**SOUND, "baker_id": "\ud800"},
    "no cycle": {**SOUND, "cycle": None},
    "a cycle in quotes": {**SOUND, "cycle": "750"},
    "a cycle and a half": {**SOUND, "cycle": 750.5},
    "true for a cycle": {**SOUND, "cycle": True},
    "a negative cycle": {**SOUND, "cycle": -1},
    "a cycle that no database holds": {**SOUND, "cycle": 2**64},
    "an unknown kind": {**SOUND, "kind": "everybody"},
    "a list for a kind": {**SOUND, "kind": ["delegators"]},
    "an unknown mode": {**SOUND, "mode": "live"},
}


@pytest.mark.parametrize("data", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_job_that_names_no_distribution_is_refused_with_a_sentence(data: Any) -> None:
    with pytest.raises(InputError, match=r"^this job "):
        job_requests.distribution_of(data)


@pytest.mark.parametrize(
    "data", [None, 7, "tz1", ["tz1"], {}, {"baker_id": None}, {"baker_id": "\ud800"}]
)
def test_a_job_that_names_no_baker_is_refused_with_a_sentence(data: Any) -> None:
    with pytest.raises(InputError, match=r"^this job names no baker_id"):
        job_requests.baker_of(data)
