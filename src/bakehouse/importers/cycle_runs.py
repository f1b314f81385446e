"""Cycles as people name many of them. Nothing else."""

from collections.abc import Iterable


def listed(cycles: Iterable[int]) -> str:
    """Name cycles in order, runs of them by their ends."""
    runs: list[list[int]] = []
    for cycle in sorted(cycles):
        if runs and cycle == runs[-1][-1] + 1:
            runs[-1].append(cycle)
        else:
            runs.append([cycle])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
