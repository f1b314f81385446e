"""A house of several processes on one machine: each killed, ended and started as a test wants."""

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from tests.e2e.command_line import eventually
from tests.jobs.redis_server import RedisServer

#: A minute of these houses, in seconds.
MINUTE_SECONDS = 2
_RESTART_SECONDS = 0.3


@dataclass
class Part:
    """One process of the house, under its name."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    process: Process | None = None
    #: How long the log was before the process that runs now.
    said: int = 0

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.said = log.tell()
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self.arguments,
                env=dict(self.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def is_up(self) -> bool:
        """Whether the process that runs now has said that it has begun."""
        with self.log.open("rb") as log:
            log.seek(self.said)
            return b"Bakehouse" in log.read()

    async def end(self, by: signal.Signals) -> int | None:
        """Send a signal, and wait until the process has gone; gives its exit code."""
        if self.process is None:
            return None
        if self.process.returncode is None:
            self.process.send_signal(by)
        return await self.process.wait()


@dataclass
class House:
    """The parts, and the Redis between them."""

    redis: RedisServer
    parts: list[Part]
    done: list[str] = field(default_factory=list)

    async def do_harm(self, chance: Random, harm: str) -> None:
        """Do one thing that happens to machines."""
        if harm.startswith("redis"):
            await self.redis.kill()
            if harm == "redis loses everything":
                shutil.rmtree(self.redis.folder)
                self.redis.folder.mkdir()
            await asyncio.sleep(chance.random())
            await self.redis.start()
            self.done.append(harm)
            return
        role, _, by = harm.partition(" ")
        part = chance.choice([each for each in self.parts if each.name.startswith(role)])
        if by == "ended":
            await eventually(part.is_up, f"{part.name} is up")
        code = await part.end(signal.SIGKILL if by == "killed" else signal.SIGTERM)
        self.done.append(f"{part.name} {by}")
        if by == "ended":
            assert code == 0, f"{part.name} ended with {code}: {part.log.read_text()[-2000:]}"


@asynccontextmanager
async def kept_up(parts: Sequence[Part]) -> AsyncIterator[None]:
    """Start whatever does not run, as systemd would: also who found no Redis at its start."""

    async def keep_up() -> None:
        while True:
            for each in parts:
                if each.process is None or each.process.returncode is not None:
                    await each.start()
            await asyncio.sleep(_RESTART_SECONDS)

    keeping = asyncio.create_task(keep_up())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})


@asynccontextmanager
async def house(
    redis: RedisServer, folder: Path, environment: Mapping[str, str]
) -> AsyncIterator[House]:
    """Run two workers, two schedulers and the pages, until the block ends."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("BAKEHOUSE_")
    }
    shared = {**inherited, **environment, "REDIS_URL": redis.url}

    def part(name: str, *arguments: str) -> Part:
        own = {"BAKEHOUSE_DATA_DIR": str(folder / name)}
        return Part(name, ("-m", *arguments), {**shared, **own}, folder / f"{name}.log")

    minutes = str(MINUTE_SECONDS)
    parts = [
        part("web", "bakehouse", "web"),
        *(
            part(f"{role} {number}", "tests.e2e.short_minutes", role, minutes)
            for role in ("worker", "scheduler")
            for number in (1, 2)
        ),
    ]
    async with AsyncExitStack() as stack:
        for each in parts:
            stack.push_async_callback(each.end, signal.SIGTERM)
        await stack.enter_async_context(kept_up(parts))
        try:
            yield House(redis, parts)
        except BaseException:
            for each in parts:
                print(f"--- {each.name}\n{each.log.read_text()[-4000:]}")  # noqa: T201 - for pytest
            raise


async def command(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a command of the house to its end; gives what it said."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("BAKEHOUSE_")
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bakehouse", *arguments),
        env={**inherited, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode:
        pytest.fail(f"{arguments} ended with {process.returncode}: {err.decode()}")
    return out.decode()


__all__ = ["MINUTE_SECONDS", "House", "Part", "command", "eventually", "house"]
