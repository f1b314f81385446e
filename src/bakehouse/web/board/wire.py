"""The shapes that Bull Board's pages read, made from what the queue knows. No queue is asked."""

from collections.abc import Mapping
from typing import Final

from bakehouse.jobs.job_types import JSON, JobState, QueueName
from bakehouse.jobs.queue_records import (
    ChildCounts,
    EndedJobs,
    FlowNode,
    JobRecord,
    QueueFigures,
    ScheduleRecord,
    ServerFigures,
    WorkerConnection,
)

#: In the order of the tabs.
STATES: Final[tuple[JobState, ...]] = (
    JobState.ACTIVE,
    JobState.WAITING,
    JobState.WAITING_CHILDREN,
    JobState.PRIORITIZED,
    JobState.COMPLETED,
    JobState.FAILED,
    JobState.DELAYED,
)

LATEST: Final = "latest"

_DESCRIPTIONS: Final = {
    QueueName.CYCLE_MONITORING: "Looks for cycles whose rewards are due, for each baker.",
    QueueName.REWARD_DISTRIBUTION: "Pays delegators. What is paid is decided by the ledger: "
    "retrying or adding a job never pays twice.",
    QueueName.BLOCKCHAIN_POLLING: "Reads the balance of each payout wallet.",
    QueueName.BOND_POOL: "Pays bond-pool members, after the delegators of the same cycle.",
    QueueName.ALERT_DELIVERY: "Sends alerts to their channels. What was sent is not sent again.",
}


def job(record: JobRecord) -> dict[str, JSON]:
    """Show a job."""
    shown: dict[str, JSON] = {
        "id": record.id,
        "name": record.name,
        "timestamp": record.added_ms,
        "processedOn": record.started_ms,
        "finishedOn": record.finished_ms,
        "progress": _progress(record.progress),
        "attempts": record.attempts_made,
        "delay": record.delay_ms,
        "failedReason": record.failed_reason or "",
        "stacktrace": [each for each in reversed(record.tracebacks) if each],
        # The form that duplicates a job sends nothing that holds a null.
        "opts": {name: value for name, value in record.options.items() if value is not None},
        "data": record.data,
        "returnValue": record.return_value,
        "isFailed": bool(record.failed_reason or record.tracebacks),
    }
    # Badges, shown where there is something to say.
    if record.priority:
        shown["priority"] = record.priority
    if record.attempts_started > record.attempts_made:
        shown["attemptsStarted"] = record.attempts_started
    if record.stalls:
        shown["stalledCounter"] = record.stalls
    if record.deduplication_id:
        shown["deduplicationId"] = record.deduplication_id
    if record.deferred_failure:
        shown["deferredFailure"] = record.deferred_failure
    return shown


def job_with_state(record: JobRecord) -> dict[str, JSON]:
    """Show a job and where it stands."""
    return {"job": job(record), "status": record.state or "unknown"}


def queue(
    name: QueueName, figures: QueueFigures, *, read_only: bool, jobs: list[JobRecord], page: JSON
) -> dict[str, JSON]:
    """Show a queue with a page of its jobs."""
    return {
        "name": name,
        "displayName": name,
        "description": _DESCRIPTIONS[name],
        "delimiter": "",
        "type": "bullmq",
        "statuses": [LATEST, *STATES],
        "counts": {state: figures.counts[state] for state in STATES},
        "jobs": [job(each) for each in jobs],
        "pagination": page,
        "readOnlyMode": read_only,
        "allowRetries": not read_only,
        # What has completed is not run again: it is done, and a new job does new work.
        "allowCompletedRetries": False,
        "isPaused": figures.is_paused,
        "globalConcurrency": figures.concurrency_max,
        "activeRateLimitTtl": figures.held_back_ms,
        "supportsGlobalRateLimit": True,
        "jobSchedulerCount": figures.schedule_count,
        "hasWorkers": figures.has_workers,
    }


def schedule(record: ScheduleRecord) -> dict[str, JSON]:
    """Show a schedule; what is not known is left out."""
    shown: dict[str, JSON] = {
        "id": record.id,
        "queueName": record.queue,
        "name": record.job_name,
        "pattern": record.pattern,
        "every": record.every_ms,
        "tz": record.time_zone,
        "limit": record.runs_max,
        "startDate": record.start_ms,
        "endDate": record.end_ms,
        "next": record.next_ms,
        "nextRunJobId": record.next_job_id,
        "lastRun": record.last_ms,
        "lastRunJobId": record.last_job_id,
        "iterationCount": record.run_count,
        "template": {"data": record.data, "opts": record.options},
    }
    return {key: value for key, value in shown.items() if value is not None}


def worker(connection: WorkerConnection) -> dict[str, JSON]:
    """Show a worker."""
    return {
        "id": connection.id,
        "name": connection.name,
        "addr": connection.address,
        "age": connection.age_seconds,
    }


def ended(jobs: EndedJobs) -> dict[str, JSON]:
    """Show how many jobs ended."""
    return {
        "meta": {
            "count": jobs.total,
            "prevTS": jobs.counted_until_ms,
            "prevCount": jobs.counted_before,
        },
        "data": list(jobs.by_minute),
        "count": len(jobs.by_minute),
    }


def server(figures: ServerFigures) -> dict[str, JSON]:
    """Show how the server of the queues fares."""
    return {
        "backend": "redis",
        "version": figures.version,
        "mode": figures.mode,
        "port": figures.port,
        "os": figures.system,
        "uptime": figures.uptime_seconds,
        "memory": {
            "total": figures.memory_total,
            "used": figures.memory_used,
            "fragmentationRatio": figures.fragmentation,
            "peak": figures.memory_peak,
        },
        "clients": {"connected": figures.clients_connected, "blocked": figures.clients_blocked},
    }


def flow(job_id: str, root: FlowNode) -> dict[str, JSON]:
    """Show the tree a job is in."""
    return {"nodeId": job_id, "isFlowNode": bool(root.children), "flowRoot": _node(root)}


def _node(node: FlowNode) -> dict[str, JSON]:
    shown: dict[str, JSON] = {
        "id": node.job.id,
        "name": node.job.name,
        "state": node.job.state or "unknown",
        "progress": _progress(node.job.progress),
        "queueName": node.queue,
        "children": [_node(child) for child in node.children],
    }
    if node.child_counts.total:
        shown["dependencies"] = _dependencies(node.child_counts)
    if node.is_truncated:
        shown["truncated"] = True
    return shown


def _dependencies(counts: ChildCounts) -> dict[str, JSON]:
    return {
        "processed": counts.done,
        "unprocessed": counts.unfinished,
        "ignored": counts.ignored,
        "failed": counts.failed,
    }


def _progress(reported: JSON) -> JSON:
    """Add the percentage that can be drawn to what distributions report."""
    match reported:
        case {"paid": int(paid), "total": int(total)} if 0 <= paid <= total and total > 0:
            return {**_mapping(reported), "progress": 100 * paid // total}
        case bool() | int() | float() | str():
            return reported
        case Mapping():
            return _mapping(reported)
        case _:
            return {"reported": reported}


def _mapping(value: JSON) -> dict[str, JSON]:
    return dict(value) if isinstance(value, Mapping) else {}
