"""A person at a terminal: sees what a command writes there, and types answers."""

import os
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

_DEADLINE_SECONDS = 100
_READ_SIZE = 4096
_GLANCE_SECONDS = 0.005
_LOCAL_FLAGS = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """How a command ended, and all that stood on the terminal."""

    code: int
    screen: str


class Terminal:
    """One command on a terminal of its own. Use it as a context manager."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self._ours, theirs = os.openpty()
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "bakehouse", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**_inherited(), **environment},
            # Passwords are asked for on the terminal of the session, if it has one: not on ours.
            start_new_session=True,
        )
        os.close(theirs)
        self._screen = b""
        self._deadline = time.monotonic() + _DEADLINE_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def answer(self, prompt: str, typed: str) -> None:
        """Type a line once the terminal shows a prompt."""
        self._see(prompt)
        os.write(self._ours, typed.encode())

    def answer_unseen(self, prompt: str, typed: str) -> None:
        """Type a line once the terminal shows a prompt, and no longer shows what is typed.

        A program may ask first and hide second, and then forgets what was typed in between.
        """
        self._see(prompt)
        while termios.tcgetattr(self._ours)[_LOCAL_FLAGS] & termios.ECHO:
            assert self._process.poll() is None, f"it ended in asking {prompt!r}"
            assert time.monotonic() < self._deadline, f"what answers {prompt!r} would be seen"
            time.sleep(_GLANCE_SECONDS)
        os.write(self._ours, typed.encode())

    def end(self) -> Seen:
        """Wait for the command to end."""
        while self._read():
            pass
        code = self._process.wait(self._deadline - time.monotonic())
        return Seen(code, self._screen.decode())

    def _see(self, prompt: str) -> None:
        start = len(self._screen)
        while prompt.encode() not in self._screen[start:]:
            assert self._read(), f"no {prompt!r} on {self._screen!r}"

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], self._deadline - time.monotonic())
        assert ready, f"the command hangs: {self._screen!r}"
        try:
            read = os.read(self._ours, _READ_SIZE)
        except OSError:
            # So Linux says that nobody has the other end any more; other systems give nothing.
            return False
        self._screen += read
        return bool(read)


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("BAKEHOUSE_")}
