"""A program of the fault tests in a process group of its own, asked over a pipe, ended for certain.

What is asked is the program's own affair.
"""

import ctypes
import os
import signal
import subprocess
import sys
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Self

#: From `linux/prctl.h`.
_PR_SET_PDEATHSIG: Final = 1

_ROOT: Final = Path(__file__).parents[2]


class Program:
    """A module that was started as a program; whatever it starts is of its process group."""

    def __init__(self, module: str) -> None:
        self._pipe, theirs = Pipe()
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=_ROOT,
            start_new_session=True,
        )
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def ask(self, *command: Any) -> Any:
        """Send a command and wait for its answer; raises what it raised there."""
        self._pipe.send(command)
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self) -> None:
        """Kill it and all that it started, be they stopped or not; safe to call twice."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._pipe.close()


def pipe_of_this_program() -> Connection:
    """Give the pipe on which this program is asked; from now it dies with whoever started it."""
    die_with_parent()
    return Connection(int(sys.argv[1]))


def die_with_parent() -> None:
    """Have the kernel kill this process, stopped or not, when its parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
