"""How late the schedules of many bakers are, and what they cost (limit: 5 s for 99 of 100).

Run it with `python -m bench.schedules [BAKERS [SECONDS [PROCESSES]]]`; unless told, 1,000 bakers
for a minute in one process. It exits 1 above the limit, or when a job failed. `bakehouse run`, as
it is shipped, has their schedules: a look at the cycle every ten minutes, at the wallet every five.
Node and indexer are the simulated chain, in another process. A job is late from when it was due,
which its id says, until a worker took it, by the clock of the Valkey. What the start asks for, a
look at each baker, comes before the measured time, and tells how much a process can do when it has
all it can to do.
"""

import asyncio
import os
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter, defaultdict
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
from redis.asyncio import Redis

from bakehouse.jobs import job_requests
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import QueueName, Schedule
from bakehouse.jobs.reconciler import LOOKS_A_SECOND
from bakehouse.jobs.workshop import MINUTE_SECONDS
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import Mode
from bakehouse.logs import LogFormat, configure_logs
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.secret_box import SecretKeyFile
from bakehouse.tezos.base58check import Prefix, encode
from bench.figures import keep, quantile
from bench.job_events import JobEvent, follow
from bench.process_figures import cpu_seconds, megabytes
from bench.queue_server import HOST, QueueServer, free_port, queue_server

BAKERS: Final = 1_000
SECONDS: Final = 60
LATE_LIMIT_SECONDS: Final = 5.0
QUEUES: Final = [QueueName.CYCLE_MONITORING, QueueName.BLOCKCHAIN_POLLING]
#: A cycle that no run sees the end of: nothing becomes due but looks.
CHAIN: Final = SandboxSettings(delegator_count=3, blocks_per_cycle=14_400, block_seconds=6.0)
#: Schedules made at a time, how long a start may take, and the work that it asks for longer than
#: it is spread over.
_AT_ONCE: Final = 50
_START_SECONDS: Final = 300
_SETTLING_SECONDS: Final = 180
_LOOK_SECONDS: Final = 0.5


@dataclass(slots=True)
class Heard:
    """What the event streams told since the measured time began."""

    is_measuring: bool = False
    lateness: dict[QueueName, list[float]] = field(default_factory=lambda: defaultdict(list))
    ended: Counter[str] = field(default_factory=Counter)
    #: Of the looks that the start asks for: when the first was taken, the last done, and how many.
    looks: list[int] = field(default_factory=list)

    def hear(self, event: JobEvent) -> None:
        """Take note of an event."""
        if not self.is_measuring:
            if event.name == "completed" and not event.job_id.startswith("repeat:"):
                self.looks.append(event.at_ms)
        elif event.name == "active" and event.job_id.startswith("repeat:"):
            due_ms = int(event.job_id.rpartition(":")[2])
            self.lateness[event.queue].append(max(0, event.at_ms - due_ms) / 1_000)
        elif event.name in {"completed", "failed"}:
            self.ended[event.name] += 1


async def measure(count: int, seconds: int, processes: int) -> dict[str, Any]:
    """Give the figures of so many bakers in so many seconds."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        chain, chain_id, url = await _chain(stack)
        server = await stack.enter_async_context(queue_server(folder))
        several = await _register(folder, chain_id, count)
        await _schedule(server, several)
        SecretKeyFile(folder / "secret.key", made_when_missing=True).seal("bench")
        heard = Heard()
        redis = Redis(**server.address.connection_options())
        stack.push_async_callback(redis.aclose)
        following = asyncio.create_task(follow(redis, "bull", QUEUES, heard.hear))
        stack.push_async_callback(_ended, following)
        settings = _settings(folder, server, chain_id, url)
        houses = [
            await _house(stack, folder / f"house-{number}", settings) for number in range(processes)
        ]
        ended = [asyncio.create_task(_must_not_end(house, folder)) for house in houses]
        stack.callback(lambda: [task.cancel() for task in ended])
        start_seconds = await _until_looked(redis, heard, count, ended)
        waiting_before = await _waiting(redis)
        pids = {
            "house": [house.pid for house in houses],
            "valkey": [server.process.pid],
            "chain": [chain.pid],
        }
        before = {name: sum(map(cpu_seconds, each)) for name, each in pids.items()}
        heard.is_measuring = True
        began = time.perf_counter()
        await asyncio.wait(ended, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            if task.done():
                task.result()
        took = time.perf_counter() - began
        heard.is_measuring = False
        cores = {
            name: (sum(map(cpu_seconds, each)) - before[name]) / took for name, each in pids.items()
        }
        sizes = {name: sum(map(megabytes, each)) for name, each in pids.items()}
        return _figures(heard, took, cores, sizes) | {
            "processes": processes,
            "start_seconds": start_seconds,
            # More at the end than at the beginning: it cannot keep up.
            "waiting_before": waiting_before,
            "waiting_after": await _waiting(redis),
        }


def _figures(
    heard: Heard, took: float, cores: dict[str, float], sizes: dict[str, float]
) -> dict[str, Any]:
    late = [each for queue in QUEUES for each in heard.lateness[queue]]
    done = heard.ended["completed"]
    busy = (heard.looks[-1] - heard.looks[0]) / 1_000 if heard.looks else 0.0
    return {
        "seconds": round(took),
        "jobs_a_second": done / took,
        "failed": heard.ended["failed"],
        "late_p50": quantile(late, 0.5),
        "late_p99": quantile(late, 0.99),
        "late_most": max(late),
        "looks_late_p99": quantile(heard.lateness[QUEUES[0]], 0.99),
        "polls_late_p99": quantile(heard.lateness[QUEUES[1]], 0.99),
        "house_cores": cores["house"],
        "valkey_cores": cores["valkey"],
        "chain_cores": cores["chain"],
        "house_cpu_ms_a_job": 1_000 * cores["house"] * took / done,
        "house_megabytes": sizes["house"],
        "valkey_megabytes": sizes["valkey"],
        #: Looks at a cycle a second when all were asked for at once.
        "looks_a_second_at_start": len(heard.looks) / busy if busy else 0.0,
    }


async def _chain(stack: AsyncExitStack) -> tuple[Process, str, str]:
    """Serve a chain in a process of its own; gives its id and where it is."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.schedules", "--chain"), stdin=PIPE, stdout=PIPE
    )
    assert process.stdin
    assert process.stdout
    stack.push_async_callback(process.wait)
    stack.callback(process.stdin.close)
    chain_id, url = (await process.stdout.readline()).decode().split()
    return process, chain_id, url


async def _serve_chain() -> None:
    async with await SandboxServer.start(CHAIN) as server:
        print(server.chain_id, server.node_url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _register(folder: Path, chain_id: str, count: int) -> list[Baker]:
    several = [
        Baker(
            baker_id=encode(Prefix.TZ1, index.to_bytes(20)),
            network=chain_id,
            payout_address=encode(Prefix.TZ1, index.to_bytes(20)),
            first_cycle=CHAIN.starting_cycle + 1_000,
            mode=Mode.SIMULATION,
        )
        for index in range(count)
    ]
    ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    async with ledger.write() as tx:
        for baker in several:
            await bakers.add(tx, baker, actor="bench", at=datetime.now(UTC))
    await ledger.close()
    return several


async def _schedule(server: QueueServer, several: list[Baker]) -> None:
    """Make the schedules as they are in a house that grew: spread over their interval."""
    engine = JobEngine(server.address)
    await engine.connect()
    now = datetime.now(UTC)
    planned: list[tuple[Schedule, datetime]] = []
    for index, baker in enumerate(several):
        for schedule in (
            job_requests.cycle_monitor(baker, MINUTE_SECONDS),
            job_requests.balance_poll(baker, MINUTE_SECONDS),
        ):
            share = (index + 1) / len(several)
            planned.append((schedule, now + timedelta(seconds=share * schedule.every_seconds)))
    for first in range(0, len(planned), _AT_ONCE):
        some = planned[first : first + _AT_ONCE]
        await asyncio.gather(*(engine.upsert_schedule(*each) for each in some))
    await engine.close()


def _settings(folder: Path, server: QueueServer, chain_id: str, url: str) -> dict[str, str]:
    """Give what all processes of the house share."""
    inherited = {name: os.environ[name] for name in os.environ if not name.startswith("BAKEHOUSE")}
    return {
        **inherited,
        "BAKEHOUSE_NETWORK": chain_id,
        "BAKEHOUSE_NODE_URLS": url,
        "BAKEHOUSE_INDEXER_URLS": url,
        "BAKEHOUSE_SECRET_KEY_FILE": str(folder / "secret.key"),
        "BAKEHOUSE_LOG_FORMAT": "json",
        "DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}",
        "REDIS_HOST": HOST,
        "REDIS_PORT": str(server.port),
    }


async def _house(stack: AsyncExitStack, folder: Path, settings: dict[str, str]) -> Process:
    port = free_port()
    own = {"BAKEHOUSE_DATA_DIR": str(folder), "BAKEHOUSE_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bakehouse", "run"),
        env=settings | own,
        stdout=DEVNULL,
        stderr=(folder.parent / "log").open("a"),
    )
    stack.push_async_callback(process.wait)
    stack.callback(_terminate, process)
    async with asyncio.timeout(_START_SECONDS), httpx2.AsyncClient(trust_env=False) as client:
        while process.returncode is None:
            with suppress(httpx2.TransportError):
                if (await client.get(f"http://{HOST}:{port}/health/live")).is_success:
                    return process
            await asyncio.sleep(_LOOK_SECONDS)
    raise AssertionError("bakehouse run ended")


def _terminate(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()


async def _must_not_end(house: Process, folder: Path) -> None:
    code = await house.wait()
    lines = (folder / "log").read_text().splitlines()
    raise AssertionError(f"bakehouse run ended with {code}: {lines[-3:]}")


async def _until_looked(
    redis: Redis, heard: Heard, count: int, ended: list["asyncio.Task[None]"]
) -> float:
    """Wait until each baker was looked at and nothing waits, or long enough; gives the seconds."""
    began = time.perf_counter()
    longest = count / LOOKS_A_SECOND + _SETTLING_SECONDS
    while (took := time.perf_counter() - began) < longest:
        for task in ended:
            if task.done():
                task.result()
        if len(heard.looks) >= count and await _waiting(redis) <= len(QUEUES):
            break
        await asyncio.sleep(_LOOK_SECONDS)
    return took


async def _waiting(redis: Redis) -> int:
    """Count the jobs that are due and that nobody has taken."""
    now_ms = int(time.time() * 1_000)
    # BullMQ orders delayed jobs by their time, with twelve bits after it.
    due = now_ms << 12
    counts = [
        await redis.zcard(f"bull:{queue.value}:prioritized")
        + await redis.zcount(f"bull:{queue.value}:delayed", 0, due)
        for queue in QUEUES
    ]
    return int(sum(counts))


async def _ended(task: "asyncio.Task[None]") -> None:
    # More than once: a client of Redis may swallow it (python/cpython#86296).
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_LOOK_SECONDS)


def main(count: int = BAKERS, seconds: int = SECONDS, processes: int = 1) -> int:
    figures = asyncio.run(measure(count, seconds, processes))
    for name, figure in figures.items():
        print(f"{name:24} {figure:10.2f}")
    print(f"{figures['late_p99'] / LATE_LIMIT_SECONDS:.0%} of the limit of {LATE_LIMIT_SECONDS} s")
    keep("schedules", str(count), figures)
    return int(figures["late_p99"] > LATE_LIMIT_SECONDS or figures["failed"] > 0)


if __name__ == "__main__":
    if sys.argv[1:] == ["--chain"]:
        asyncio.run(_serve_chain())
    else:
        configure_logs(LogFormat.JSON, "warning")
        sys.exit(main(*map(int, sys.argv[1:])))
