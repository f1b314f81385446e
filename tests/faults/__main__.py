"""Run the fault simulator: `make fault-test SEEDS=2000`, or `python -m tests.faults --seed 7`."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from tests.faults.mutants import MUTANTS
from tests.faults.running import collect_seldom, run_seeds
from tests.faults.simulator import History
from tests.faults.world import Scale

_TOLD_EVERY = 100


def main(arguments: list[str]) -> int:
    """Run seeds and print what was found; gives 1 when a promise was broken, else 0."""
    options = _parser().parse_args(arguments)
    seeds = [options.seed] if options.seed is not None else _range(options.first, options.seeds)
    began = time.monotonic()
    histories = []
    for history in _run(seeds, options):
        histories.append(history)
        # At once: a batch takes hours, and may not come to its end.
        if not history.is_good or options.seed is not None:
            print(_told(history), flush=True)
        if len(histories) % _TOLD_EVERY == 0:
            print(f"{len(histories):,} of {len(seeds):,} histories", file=sys.stderr, flush=True)
    print(_summary(histories, time.monotonic() - began))
    return 0 if all(history.is_good for history in histories) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="replay this one, and tell all about it")
    parser.add_argument("--cycles", type=int, default=Scale().cycles)
    parser.add_argument("--delegators", type=int, default=Scale().delegators)
    parser.add_argument("--processes", type=int, default=Scale().processes)
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="break the code in this way")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser


def _range(first: int, count: int) -> list[int]:
    return list(range(first, first + count))


def _run(seeds: list[int], options: argparse.Namespace) -> Iterator[History]:
    scale = Scale(options.cycles, options.delegators, options.processes)
    run = partial(run_seeds, scale=scale, mutant=options.mutant)
    if len(seeds) == 1 or options.jobs == 1:
        yield from run(seeds)
        return
    # Small enough to keep every process busy to the end, large enough to be worth starting.
    size = max(1, min(10, len(seeds) // (2 * options.jobs)))
    parts = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    with ProcessPoolExecutor(
        options.jobs, mp_context=get_context("spawn"), initializer=collect_seldom
    ) as pool:
        for part in pool.map(run, parts):
            yield from part


def _told(history: History) -> str:
    lines = [f"seed {history.seed}: {'good' if history.is_good else 'BROKEN'}"]
    lines += [f"  never came to rest: {history.unrest}"] if history.unrest else []
    lines += [f"  unexpected: {each}" for each in history.unexpected]
    lines += [f"  {line}" for line in str(history.findings).splitlines()]
    for name in ("faults", "crashes", "decisions", "errors"):
        lines.append(f"  {name}: {_listed(getattr(history, name))}")
    lines.append(f"  {history.blocks} blocks, {history.calls} calls, digest {history.digest[:16]}")
    return "\n".join(lines)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def _summary(histories: list[History], seconds: float) -> str:
    total: dict[str, Counter[str]] = {
        name: sum((getattr(each, name) for each in histories), Counter())
        for name in ("crashes", "faults", "decisions")
    }
    found = [each.findings for each in histories]
    rows = {
        "seeds": len(histories),
        "crashes injected": total["crashes"].total(),
        "at places": len(total["crashes"]),
        "faults struck": total["faults"].total(),
        "decisions of a person": total["decisions"].total(),
        "payouts checked": sum(each.checked for each in found),
        "paid twice": sum(len(each.paid_twice) for each in found),
        "lost": sum(len(each.lost) for each in found),
        "other findings": sum(
            len(each.unplanned) + len(each.wrong_amount) + len(each.drift) + len(each.broken)
            for each in found
        ),
        "never at rest": sum(each.unrest is not None for each in histories),
        "unexpected errors": sum(len(each.unexpected) for each in histories),
        "seconds": round(seconds, 1),
    }
    lines = [f"{name:<24}{value:>12,}" for name, value in rows.items()]
    lines.append("faults by kind:")
    lines += [f"  {name:<32}{count:>10,}" for name, count in sorted(total["faults"].items())]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
