"""How soon `bakehouse run` has done its first job (limit: 2 s), and its idle memory (150 MB).

Run it with `python bench/cold_start.py`; it exits 1 above a limit. Memory is that of the whole
process and its private Valkey, as their proportional set size.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings

LIMITS = {"cold_start_seconds": 2.0, "idle_megabytes": 150.0}
IDLE_SECONDS = 5
PORT = 38_471
TOKEN = "bench"  # noqa: S105 - guards nothing


async def measure() -> dict[str, float]:
    """Start a service with one baker, wait for its first completed job, let it idle."""
    with tempfile.TemporaryDirectory() as folder:
        async with await SandboxServer.start(SandboxSettings()) as chain:
            environment = _environment(Path(folder), chain)
            await _command(environment, "baker", "add", chain.baker_address)
            started = time.perf_counter()
            process = await _spawn(environment, "run")
            await _first_job_done(chain.baker_address)
            cold_start = time.perf_counter() - started
            await asyncio.sleep(IDLE_SECONDS)
            memory = _megabytes(process.pid)
            process.terminate()
            await process.wait()
    return {"cold_start_seconds": cold_start, "idle_megabytes": memory}


def run() -> dict[str, float]:
    """Give the figures by name."""
    return asyncio.run(measure())


def main() -> int:
    figures = run()
    for name, figure in figures.items():
        print(f"{name:32} {figure:7.2f} of {LIMITS[name]:.0f} ({figure / LIMITS[name]:.0%})")
    return int(any(figure > LIMITS[name] for name, figure in figures.items()))


def _environment(folder: Path, chain: SandboxServer) -> dict[str, str]:
    return {
        **os.environ,
        "BAKEHOUSE_DATA_DIR": str(folder),
        "BAKEHOUSE_NETWORK": chain.chain_id,
        "BAKEHOUSE_NODE_URLS": chain.node_url,
        "BAKEHOUSE_INDEXER_URLS": chain.indexer_url,
        "BAKEHOUSE_PORT": str(PORT),
        "BAKEHOUSE_API_TOKEN": TOKEN,
    }


async def _spawn(environment: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bakehouse", *arguments),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _command(environment: dict[str, str], *arguments: str) -> None:
    process = await _spawn(environment, *arguments)
    assert await process.wait() == 0


async def _first_job_done(baker_id: str) -> None:
    url = f"http://127.0.0.1:{PORT}/api/jobs/status?baker_id={baker_id}"
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        while True:
            try:
                schedules = (await client.get(url)).json()["schedules"]
            except httpx2.TransportError:
                schedules = []
            if any(schedule["last_run"] for schedule in schedules):
                return
            await asyncio.sleep(0.02)


def _megabytes(pid: int) -> float:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_proportional_kilobytes(each) for each in (str(pid), *children)) / 1024


def _proportional_kilobytes(pid: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise LookupError(f"no memory figure for process {pid}")


if __name__ == "__main__":
    sys.exit(main())
