"""Running a program of the baker's own: no shell, nothing inherited, bounded in time and output.

It runs as the user that Bakehouse runs as, so it is trusted like Bakehouse itself; what it says is
not.
"""

import asyncio
import os
import signal
import stat
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from bakehouse.errors import HookFailedError, SettingError
from bakehouse.hooks.question import Request

OUTPUT_BYTES_MAX: Final = 8 * 1024 * 1024
ARGUMENTS_MAX: Final = 50
_ARGUMENT_LENGTH_MAX: Final = 1_000
_SHOWN_LENGTH_MAX: Final = 200
_ERRORS_BYTES_MAX: Final = 4 * 1024
#: A killed process is gone at once, but for one that waits in the kernel.
_GONE_SECONDS_MAX: Final = 2
_OUTPUT: Final = 1
_ERRORS: Final = 2

#: All that a program finds in its environment, beside the point it is called at.
_ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


def check_program(arguments: Sequence[str]) -> None:
    """Raise SettingError for what must not be run, or cannot be; reads the file's permissions."""
    if not 1 <= len(arguments) <= ARGUMENTS_MAX or any(
        len(each) > _ARGUMENT_LENGTH_MAX or not each.isprintable() for each in arguments
    ):
        raise SettingError(
            f"a program has up to {ARGUMENTS_MAX - 1} arguments, each a line of up to "
            f"{_ARGUMENT_LENGTH_MAX} characters"
        )
    path = Path(arguments[0])
    if not path.is_absolute():
        raise SettingError(f"name the program {arguments[0]} by its whole path, beginning with /")
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SettingError(f"the program {path} cannot be run: {error.strerror}") from error
    if not stat.S_ISREG(mode) or not os.access(path, os.X_OK):
        raise SettingError(f"{path} is not a file that can be run: chmod +x makes it one")
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SettingError(
            f"others than its owner may change {path}: run chmod go-w {path}, for what it says "
            "decides about payments"
        )


async def run_program(arguments: Sequence[str], request: Request, seconds: float) -> bytes:
    """Run a program with the request's body as its input; give what it wrote to its output.

    Whatever it has started is ended with it. Raises HookFailedError when it cannot be started, ends
    with another code than 0, takes too long or writes too much.
    """
    talk: _Talk | None = None
    transport: asyncio.SubprocessTransport | None = None
    try:
        await asyncio.to_thread(check_program, arguments)
        transport, talk = await asyncio.get_running_loop().subprocess_exec(
            _Talk,
            *arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**_ENVIRONMENT, "BAKEHOUSE_HOOK_POINT": request.point.value},
            cwd="/",
            # A group of its own, so that its children end with it.
            start_new_session=True,
        )
        async with asyncio.timeout(seconds):
            talk.ask(request.body)
            await talk.ended
    except TimeoutError:
        raise HookFailedError(f"it did not answer within {seconds:g} s") from None
    except SettingError as error:
        raise HookFailedError(error.message) from error
    except OSError as error:
        raise HookFailedError(f"{arguments[0]} cannot be started: {error.strerror}") from error
    finally:
        if talk is not None and transport is not None:
            talk.end_group()
            # Who is closed before it is gone would be waited for by nobody.
            await asyncio.wait({talk.gone}, timeout=_GONE_SECONDS_MAX)
            transport.close()
    return talk.answer(transport.get_returncode())


class _Talk(asyncio.SubprocessProtocol):
    """What is said between us and one process."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.SubprocessTransport | None = None
        self._output = bytearray()
        self._errors = bytearray()
        self._has_exited = False
        self._is_heard_out = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what the process is reached by."""
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101 - asyncio's word
        self._transport = transport

    def ask(self, body: bytes) -> None:
        """Write the whole input; one that does not read it may answer all the same."""
        assert self._transport is not None  # noqa: S101 - set before anybody has this
        pipe = self._transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)  # noqa: S101 - as above
        pipe.write(body)
        pipe.write_eof()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Take in what it says, as far as there is room."""
        if fd == _ERRORS:
            self._errors += data[: _ERRORS_BYTES_MAX - len(self._errors)]
            return
        self._output += data[: OUTPUT_BYTES_MAX + 1 - len(self._output)]
        if self._is_too_long:
            self._end()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - theirs
        """Note that it has said all."""
        if fd == _OUTPUT:
            self._is_heard_out = True
            self._end_if_over()

    def process_exited(self) -> None:
        """Note that it is gone; what it left running goes with it."""
        self.end_group()
        self._has_exited = True
        self.gone.set_result(None)
        self._end_if_over()

    def end_group(self) -> None:
        """Kill the process and its children, unless it has exited: then its number is free."""
        if self._has_exited or self._transport is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._transport.get_pid(), signal.SIGKILL)

    def answer(self, code: int | None) -> bytes:
        """Give what it wrote; raises HookFailedError for too much, or another code than 0."""
        if self._is_too_long:
            raise HookFailedError(f"it wrote more than {OUTPUT_BYTES_MAX:,} bytes")
        if code != 0:
            raise HookFailedError(f"it ended with code {code}: {self._complaint or 'no words'}")
        return bytes(self._output)

    @property
    def _is_too_long(self) -> bool:
        return len(self._output) > OUTPUT_BYTES_MAX

    @property
    def _complaint(self) -> str:
        text = " ".join(self._errors.decode(errors="replace").split())
        return "".join(each if each.isprintable() else "?" for each in text)[:_SHOWN_LENGTH_MAX]

    def _end_if_over(self) -> None:
        if self._has_exited and self._is_heard_out:
            self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
