"""Trees of jobs that wait for each other, as other tools may add them. Nothing is changed here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bakehouse.jobs import queue_inspection
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import QueueName
from bakehouse.jobs.queue_records import ChildCounts, FlowNode, JobAddress, JobRecord

#: Jobs shown of one tree at most.
NODES_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class FlowWindow:
    """How much of a tree is wanted."""

    depth: int
    children_max: int


async def flow(
    engine: JobEngine, queue: QueueName, job_id: str, window: FlowWindow, *, from_root: bool = True
) -> FlowNode:
    """Show the tree a job is in, from its root or from the job itself. Raises NotFoundError."""
    start = await queue_inspection.record(engine, queue, job_id)
    reader = _Reader(engine, window)
    async with engine.answering():
        if from_root:
            queue, start = await reader.root(queue, start)
        return await reader.node(queue, start, window.depth)


class _Reader:
    """Reads one tree, up to a number of jobs."""

    def __init__(self, engine: JobEngine, window: FlowWindow) -> None:
        self._bull: Mapping[QueueName, Any] = {
            queue: engine.bull_queue(queue) for queue in QueueName
        }
        self._children_max = window.children_max
        self._left = NODES_MAX

    async def root(self, queue: QueueName, job: JobRecord) -> tuple[QueueName, JobRecord]:
        """Follow parents up, as far as they are jobs of our queues and still there."""
        while job.parent:
            found = await self._job(job.parent)
            if found is None:
                break
            queue, job = found
        return queue, job

    async def node(self, queue: QueueName, job: JobRecord, depth: int) -> FlowNode:
        """Show a job and its children, `depth` levels down."""
        self._left -= 1
        counts, addresses = await self._children(queue, job.id)
        children = []
        gone = 0
        for address in addresses[: self._children_max] if depth > 1 else ():
            if self._left <= 0:
                break
            found = await self._job(address)
            if found is None:
                # Completed jobs are removed in time.
                gone += 1
                continue
            children.append(await self.node(*found, depth - 1))
        return FlowNode(
            job=job,
            queue=queue,
            child_counts=counts,
            children=tuple(children),
            is_truncated=len(children) + gone < counts.total,
        )

    async def _children(
        self, queue: QueueName, job_id: str
    ) -> tuple[ChildCounts, list[JobAddress]]:
        bull = self._bull[queue]
        key, client = bull.toKey(job_id), bull.client
        done = await client.hkeys(f"{key}:processed")
        unfinished = sorted(await client.smembers(f"{key}:dependencies"))
        ignored = await client.hkeys(f"{key}:failed")
        failed = await client.zrange(f"{key}:unsuccessful", 0, -1)
        counts = ChildCounts(
            done=len(done), unfinished=len(unfinished), ignored=len(ignored), failed=len(failed)
        )
        keys = [*unfinished, *failed, *ignored, *done]
        return counts, [self._address(each) for each in keys]

    def _address(self, key: str) -> JobAddress:
        for bull in self._bull.values():
            if key.startswith(f"{bull.qualifiedName}:"):
                return JobAddress(bull.qualifiedName, key.removeprefix(f"{bull.qualifiedName}:"))
        queue, _, job_id = key.rpartition(":")
        return JobAddress(queue, job_id)

    async def _job(self, address: JobAddress) -> tuple[QueueName, JobRecord] | None:
        for queue, bull in self._bull.items():
            if bull.qualifiedName == address.qualified_queue:
                found = await queue_inspection.found_record(bull, address.job_id)
                return None if found is None else (queue, found)
        return None
