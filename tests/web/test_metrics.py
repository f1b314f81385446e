"""`/metrics` tells viewers of all bakers what ledger and queue say, also when one is away."""

import httpx2
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from bakehouse.jobs.job_types import JSON, JobName, JobState, QueueName, RunningJob, Schedule
from bakehouse.ledger.roles import Grant, Role
from bakehouse.ledger.states import DistributionKind, Mode
from tests.web.conftest import BAKER, DELEGATORS, STRANGER, TOKEN, House
from tests.web.people import add_token

OTHER_BAKER = STRANGER
FIRST, SECOND = DELEGATORS

Labels = dict[str, str]


class Scrape:
    """What one answer says."""

    def __init__(self, answer: httpx2.Response) -> None:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        self.text = answer.text
        self._samples = [
            sample
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        ]

    def value(self, name: str, **labels: str) -> float | None:
        """The one sample of these labels, or None."""
        found = [
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(found) <= 1, (name, labels, found)
        return found[0] if found else None

    def of_baker(self, name: str, **labels: str) -> float | None:
        return self.value(name, baker=BAKER, **labels)


async def scrape(house: House) -> Scrape:
    return Scrape(await house.client.get("/metrics"))


async def idle(_job: RunningJob) -> JSON:
    return None


async def test_only_a_viewer_of_all_bakers_may_scrape(house: House) -> None:
    await house.register()
    everyone = await add_token(house, "prometheus", Grant(Role.VIEWER))
    one = await add_token(house, "one", Grant(Role.ADMINISTRATOR, frozenset({BAKER})))

    async def status_with(headers: Labels) -> int:
        return (await house.stranger.get("/metrics", headers=headers)).status_code

    assert await status_with({"authorization": f"Bearer {everyone}"}) == 200
    assert await status_with({"authorization": f"Bearer {one}"}) == 403
    assert await status_with({"authorization": "Bearer wrong"}) == 401
    assert await status_with({}) == 401


async def test_metrics_are_open_to_anybody_when_the_settings_say_so(watched_house: House) -> None:
    answer = await watched_house.stranger.get("/metrics")

    assert answer.status_code == 200
    assert (await watched_house.stranger.get("/metrics/x")).status_code == 401


async def test_what_the_ledger_says_of_cycles_and_payouts(house: House) -> None:
    await house.register()
    async with house.scene(1_336) as scene:
        await scene.pay({FIRST: 600, SECOND: 400}, counter=7)
    async with house.scene(1_337) as scene:
        await scene.sign({FIRST: 700, SECOND: 300}, counter=9)
    async with house.scene(1_338) as scene:
        await scene.fail("the node is away")
    async with house.scene(1_336, DistributionKind.BOND_POOL) as scene:
        await scene.plan({FIRST: 50})
    async with house.scene(1_336, mode=Mode.SIMULATION) as scene:
        await scene.simulate({FIRST: 999})

    told = await scrape(house)

    assert told.of_baker("bakehouse_baker_info", mode="on", alias="<script>alert(1)</script>") == 1
    assert told.of_baker("bakehouse_last_paid_cycle") == 1_336
    assert told.of_baker("bakehouse_payout_lag_cycles") == 2
    paid = {"kind": "delegators", "mode": "on", "state": "paid"}
    assert told.of_baker("bakehouse_distributions", **paid) == 1
    assert told.of_baker("bakehouse_distributions_net_mutez", **paid) == 1_000
    assert told.of_baker("bakehouse_distributions", mode="simulation") == 1
    assert told.of_baker("bakehouse_payouts", state="assigned") == 2
    assert told.of_baker("bakehouse_payouts_mutez", state="assigned") == 1_000
    assert told.of_baker("bakehouse_payouts", state="owed") == 1
    assert told.of_baker("bakehouse_payouts", state="held") == 0
    # Their number only grows: the ledger is asked for it, not every scrape.
    assert told.of_baker("bakehouse_payouts", state="paid") is None
    assert told.of_baker("bakehouse_operations", state="final") == 1
    assert told.of_baker("bakehouse_operations", state="signed") == 1
    assert told.of_baker("bakehouse_operations", state="quarantined") == 0


async def test_alerts_are_counted_by_code(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()

    assert (await scrape(house)).value(
        "bakehouse_alerts_open", severity="warning", code="payout-held"
    ) == 1


async def test_a_wallet_lasts_for_as_many_cycles_as_it_could_pay_of_the_last(house: House) -> None:
    await house.register()
    await house.register(baker_id=OTHER_BAKER)
    async with house.scene(1_336) as scene:
        await scene.pay({FIRST: 600}, counter=7)
    async with house.scene(1_337) as scene:
        await scene.pay({FIRST: 900}, counter=8)
    async with house.scene(1_337, DistributionKind.BOND_POOL) as scene:
        await scene.plan({FIRST: 100})
    known: JSON = {"balance": "4000", "level": 7, "at": "2026-11-25T12:00:00+00:00"}
    for baker_id in (BAKER, OTHER_BAKER):
        await house.workshop.cache.set(f"balance:{baker_id}", known, 60)

    told = await scrape(house)

    assert told.of_baker("bakehouse_wallet_balance_mutez") == 4_000
    assert told.of_baker("bakehouse_wallet_runway_cycles") == 5
    # Nobody knows what a cycle of this one costs.
    assert told.value("bakehouse_wallet_balance_mutez", baker=OTHER_BAKER) == 4_000
    assert told.value("bakehouse_wallet_runway_cycles", baker=OTHER_BAKER) is None


async def test_what_the_queue_holds_and_which_schedules_are_missing(house: House) -> None:
    await house.register()
    missing = await scrape(house)
    await house.scheduler.initialize_schedules(BAKER)
    told = await scrape(house)

    assert missing.of_baker("bakehouse_schedules_missing") == 2
    assert told.of_baker("bakehouse_schedules_missing") == 0
    assert told.of_baker("bakehouse_schedule_lag_seconds", schedule="check-cycle") == 0
    assert told.of_baker("bakehouse_schedule_lag_seconds", schedule="poll-balance") == 0
    for queue in QueueName:
        for state in JobState:
            labels = {"queue": queue.value, "state": state.value}
            assert told.value("bakehouse_jobs_in_state", **labels) is not None
    triggered = {"queue": "cycle-monitoring", "state": "prioritized"}
    assert told.value("bakehouse_jobs_in_state", **triggered) == 1


async def test_a_schedule_of_another_tool_is_no_hindrance(house: House) -> None:
    now = house.workshop.payer.clock()
    others: list[dict[str, JSON]] = [{}, {"baker_id": 7}, {"baker_id": "<tz1>"}]
    for number, data in enumerate(others):
        foreign = Schedule(
            f"foreign-{number}", QueueName.CYCLE_MONITORING, JobName.CHECK_CYCLE, data, 60
        )
        await house.workshop.engine.upsert_schedule(foreign, now)

    assert "bakehouse_schedule_lag_seconds{" not in (await scrape(house)).text


async def test_while_the_queue_is_away_the_ledger_is_told_of(house: House) -> None:
    await house.register()
    await house.valkey.stop()

    told = await scrape(house)

    assert told.value("bakehouse_up", part="queue") == 0
    assert told.value("bakehouse_up", part="ledger") == 1
    assert told.of_baker("bakehouse_payout_lag_cycles") == 0
    assert "bakehouse_jobs_in_state" not in told.text


async def test_while_the_ledger_is_away_the_queue_is_told_of(watched_house: House) -> None:
    await watched_house.lose_the_ledger()

    # By a stranger: whose token it is stands in the ledger.
    told = Scrape(await watched_house.stranger.get("/metrics"))

    assert told.value("bakehouse_up", part="ledger") == 0
    assert told.value("bakehouse_up", part="queue") == 1
    assert told.value("bakehouse_jobs_in_state", queue="bond-pool", state="failed") == 0


async def test_a_worker_that_takes_no_jobs_is_told_of(house: House) -> None:
    engine = house.workshop.engine
    engine.run_worker(QueueName.BOND_POOL, idle)
    await engine._workers[QueueName.BOND_POOL].close(grace_seconds=0)

    assert (await scrape(house)).value("bakehouse_up", part="worker bond-pool") == 0


async def test_both_formats_of_prometheus_are_understood(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    wanted = {"accept": "application/openmetrics-text; version=1.0.0"}

    answer = await house.client.get("/metrics", headers=wanted)

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    parsed = openmetrics.text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call]
    families = {family.name: family for family in parsed}
    assert families["bakehouse_jobs"].type == "counter"
    assert families["bakehouse_http_request_duration_seconds"].type == "histogram"
    assert families["bakehouse_payouts"].type == "gauge"


async def test_requests_are_timed_by_route_and_never_by_path(house: House) -> None:
    await house.register()
    await house.client.get(f"/api/bakers/{BAKER}")
    for number in range(3):
        await house.client.get(f"/nothing/{number}")
    await house.stranger.request("BREW", "/api/bakers")

    told = await scrape(house)

    count = "bakehouse_http_request_duration_seconds_count"
    assert told.value(count, route="/api/bakers/{baker_id}", method="GET", status="200") == 1
    assert told.value(count, route="none", method="GET", status="404") == 3
    assert told.value(count, route="none", method="other", status="401") == 1
    assert "/nothing" not in told.text
    assert "BREW" not in told.text


async def test_neither_delegators_nor_tokens_are_told(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()

    told = await scrape(house)
    assert not [secret for secret in (*DELEGATORS, TOKEN) if secret in told.text]
