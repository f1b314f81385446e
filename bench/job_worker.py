"""Bakehouse's worker on a queue, doing nothing as fast as it can; ends when its input does.

What it is told: HOST PORT PREFIX QUEUE CONCURRENCY.
"""

import asyncio
import sys

from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JSON, QueueName, RunningJob
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.logs import LogFormat, configure_logs


async def _nothing(job: RunningJob) -> JSON:
    return dict(job.data)


async def main(host: str, port: str, prefix: str, queue: str, concurrency: str) -> None:
    engine = JobEngine(RedisAddress(host, int(port)), prefix)
    await engine.connect()
    engine.run_worker(QueueName(queue), _nothing, concurrency=int(concurrency))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await engine.close()


if __name__ == "__main__":
    configure_logs(LogFormat.JSON, "warning")
    asyncio.run(main(*sys.argv[1:]))
