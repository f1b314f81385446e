"""Processor time and memory of a process and its children, read from Linux's /proc."""

import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: Fields after the name, which may hold blanks: user and system time.
_TIMES: Final = slice(11, 13)


def cpu_seconds(pid: int) -> float:
    """Give the processor time that a process and its children have used so far."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    times = stat.rpartition(")")[2].split()[_TIMES]
    return sum(map(int, times)) / _TICKS + sum(map(cpu_seconds, _children(pid)))


def megabytes(pid: int) -> float:
    """Give the memory of a process and its children, what they share counted in parts."""
    kilobytes = sum(_proportional_kilobytes(each) for each in (pid, *_children(pid)))
    return kilobytes / 1024


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def _proportional_kilobytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise LookupError(f"no memory figure for process {pid}")
