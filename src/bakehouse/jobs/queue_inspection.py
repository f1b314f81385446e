"""Looking at the queues, for people who look after them. Nothing is changed here."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from bakehouse.errors import NotFoundError
from bakehouse.jobs.bull_records import job_record, known_state
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobState, QueueName
from bakehouse.jobs.queue_records import (
    EndedJobs,
    JobRecord,
    QueueFigures,
    RateLimit,
    ScheduleRecord,
    ServerFigures,
    WorkerConnection,
)

#: What BullMQ puts between a queue and the name of a worker, in the name of its connection.
_WORKER_NAME: Final = ":w:"


async def figures(engine: JobEngine, queue: QueueName) -> QueueFigures:
    """Tell how a queue stands. Raises QueueUnreachableError, as everything here does."""
    counts = await engine.counts(queue)
    is_paused = await engine.is_paused(queue)
    connections = await workers(engine, queue)
    bull = engine.bull_queue(queue)
    async with engine.answering():
        return QueueFigures(
            counts=counts,
            is_paused=is_paused,
            concurrency_max=await bull.getGlobalConcurrency(),
            held_back_ms=max(await bull.getRateLimitTtl(), 0),
            schedule_count=await bull.getJobSchedulersCount(),
            has_workers=None if connections is None else bool(connections),
        )


async def records(
    engine: JobEngine, queue: QueueName, states: Iterable[JobState], start: int, end: int
) -> list[JobRecord]:
    """List jobs `start` to `end` (counted from 0, both included) of each state, latest first."""
    bull = engine.bull_queue(queue)
    found = []
    async with engine.answering():
        for state in states:
            jobs = await bull.getJobs([state.value], start, end)
            found += [job_record(job, state) for job in jobs]
    return found


async def record(engine: JobEngine, queue: QueueName, job_id: str) -> JobRecord:
    """Show one job. Raises NotFoundError."""
    async with engine.answering():
        found = await found_record(engine.bull_queue(queue), job_id)
    if found is None:
        raise NotFoundError(f"Queue {queue} has no job {job_id}.")
    return found


async def found_record(bull: Any, job_id: str) -> JobRecord | None:
    """Show one job of a BullMQ queue, or None."""
    job = await bull.getJob(job_id)
    if job is None:
        return None
    return job_record(job, known_state(await bull.getJobState(job_id)))


async def schedules(engine: JobEngine, queue: QueueName) -> list[ScheduleRecord]:
    """Every schedule of a queue with its runs, the next to run first."""
    bull = engine.bull_queue(queue)
    async with engine.answering():
        listed = await bull.getJobSchedulers(asc=True)
        # In one go: there are two schedules for every baker.
        asked = bull.client.pipeline(transaction=False)
        for found in listed:
            asked.hget(bull.toKey(_run_id(found, 0)), "timestamp")
            asked.exists(bull.toKey(_run_id(found, 1)))
        answers = await asked.execute()
    next_made_ms, last_is_there = answers[::2], answers[1::2]
    return [
        _schedule(queue, found, int(made_ms) if made_ms else None, last_is_there=bool(is_there))
        for found, made_ms, is_there in zip(listed, next_made_ms, last_is_there, strict=True)
    ]


async def workers(engine: JobEngine, queue: QueueName) -> list[WorkerConnection] | None:
    """List the workers of a queue in all processes; None if the server does not tell."""
    async with engine.answering():
        clients = await engine.bull_queue(queue).get_workers()
    connections = [client for client in clients if client.get("addr")]
    if clients and not connections:
        return None
    # A Python worker holds two connections of one name; those of other tools may have no name.
    found = [_worker(client) for client in connections]
    named = {worker.name: worker for worker in found if worker.name}
    return [*named.values(), *(worker for worker in found if not worker.name)]


async def rate_limit(engine: JobEngine, queue: QueueName) -> RateLimit | None:
    """Give the rate limit that is set for a queue."""
    async with engine.answering():
        limit = await engine.bull_queue(queue).getGlobalRateLimit()
    return RateLimit(jobs_max=limit["max"], duration_ms=limit["duration"]) if limit else None


async def ended_jobs(
    engine: JobEngine, queue: QueueName, how: Literal["completed", "failed"]
) -> EndedJobs:
    """Count the jobs that completed or failed, in all and by the minute."""
    bull = engine.bull_queue(queue)
    key = bull.toKey(f"metrics:{how}")
    async with engine.answering():
        totals = await bull.client.hgetall(key)
        by_minute = await bull.client.lrange(f"{key}:data", 0, -1)
    return EndedJobs(
        total=int(totals.get("count", 0)),
        counted_until_ms=int(totals.get("prevTS", 0)),
        counted_before=int(totals.get("prevCount", 0)),
        by_minute=tuple(int(count) for count in by_minute),
    )


async def server_figures(engine: JobEngine) -> ServerFigures:
    """Tell how the server of the queues fares."""
    async with engine.answering():
        info = await engine.bull_queue(QueueName.CYCLE_MONITORING).client.info()
    return ServerFigures(
        # Valkey says beside its own version which Redis it is like.
        version=str(info.get("valkey_version") or info["redis_version"]),
        mode=str(info.get("redis_mode", "standalone")),
        port=int(info.get("tcp_port", 0)),
        system=str(info.get("os", "")),
        uptime_seconds=int(info["uptime_in_seconds"]),
        memory_total=int(info.get("maxmemory") or info.get("total_system_memory", 0)),
        memory_used=int(info["used_memory"]),
        memory_peak=int(info["used_memory_peak"]),
        fragmentation=str(info.get("mem_fragmentation_ratio", "")),
        clients_connected=int(info["connected_clients"]),
        clients_blocked=int(info["blocked_clients"]),
    )


def _schedule(
    queue: QueueName, found: Mapping[str, Any], next_made_ms: int | None, *, last_is_there: bool
) -> ScheduleRecord:
    template = found.get("template") or {}
    has_run = next_made_ms is not None and (found.get("iterationCount") or 0) > 1
    return ScheduleRecord(
        id=found["key"],
        queue=queue,
        job_name=found.get("name") or "",
        every_ms=found.get("every"),
        pattern=found.get("pattern"),
        time_zone=found.get("tz"),
        runs_max=found.get("limit"),
        start_ms=found.get("startDate"),
        end_ms=found.get("endDate"),
        next_ms=found.get("next"),
        next_job_id=_run_id(found, 0) if next_made_ms is not None else None,
        # BullMQ makes the next run at the moment the last one begins.
        last_ms=next_made_ms if has_run else None,
        # Between the runs of a pattern there is no telling which was the last.
        last_job_id=_run_id(found, 1) if has_run and last_is_there and found.get("every") else None,
        run_count=found.get("iterationCount"),
        data=template.get("data"),
        options=template.get("opts") or {},
    )


def _run_id(schedule: Mapping[str, Any], runs_ago: int) -> str:
    """Name the job of the next run, or of one so many runs before it."""
    at_ms = (schedule.get("next") or 0) - runs_ago * (schedule.get("every") or 0)
    return f"repeat:{schedule['key']}:{at_ms}"


def _worker(client: Mapping[str, str]) -> WorkerConnection:
    _, _, name = client["rawname"].partition(_WORKER_NAME)
    address = client["addr"]
    return WorkerConnection(
        id=client["id"],
        name=name or None,
        # The path of a socket is nobody's business.
        address="on this machine" if address.startswith(("/", "[/")) else address,
        age_seconds=int(client.get("age", 0)),
    )
