"""How long reading and planning a split of 100,000 delegators takes, and the memory it needs.

Run it with `python bench/plan_100k.py`; it exits 1 above a limit (1 s, 300 MB).
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from bakehouse.rewards.money import BasisPoints
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.rewards_split import parse_split_text

DELEGATORS = 100_000
RUNS = 5
LIMITS = {"plan_100k_seconds": 1.0, "plan_100k_megabytes": 300.0}

TOTALS = {
    "cycle": 1336,
    "ownDelegatedBalance": 931_097_498,
    "ownStakedBalance": 235_550_399_083,
    "externalStakedBalance": 1_039_802_790_978,
    "delegatorsCount": DELEGATORS,
    "blockRewardsDelegated": 15_919_946_000,
    "attestationRewardsDelegated": 15_313_332_000,
    "dalAttestationRewardsDelegated": 1_513_332_000,
    "vdfRevelationRewardsDelegated": 0,
    "nonceRevelationRewardsDelegated": 2_000,
    "blockFees": 357_034,
    "futureBlocks": 0,
    "futureBlockRewards": 0,
    "futureAttestations": 0,
    "futureAttestationRewards": 0,
    "futureDalAttestationRewards": 0,
}


def write_split(path: Path) -> None:
    """Write a document such as TzKT's row by row: a child inherits its parent's peak of memory."""
    chance = Random(DELEGATORS)  # noqa: S311 - a repeatable crowd, not a secret
    external = 0
    with path.open("w") as file:
        file.write('{"delegators": [')
        for index in range(DELEGATORS):
            balance = chance.randrange(10 ** chance.randrange(1, 13))
            external += balance
            kind = Prefix.KT1 if index % 20 == 0 else Prefix.TZ1
            row = {
                "address": encode(kind, chance.randbytes(20)),
                "delegatedBalance": balance,
                "emptied": False,
            }
            file.write(f"{',' if index else ''}{json.dumps(row)}")
        totals = json.dumps(TOTALS | {"externalDelegatedBalance": external})
        file.write(f"], {totals[1:]}")


def measure(path: Path) -> dict[str, float]:
    """Read and plan once in this process; seconds, and the peak of its memory in megabytes."""
    start = time.perf_counter()
    split = parse_split_text(path.read_bytes())
    read = time.perf_counter()
    plan = plan_payouts(split.rewards, PayoutRules(BasisPoints(995)))
    end = time.perf_counter()
    assert len(plan.payouts) + plan.zero_payouts == DELEGATORS
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {
        "plan_100k_seconds": end - start,
        "of_which_reading_seconds": read - start,
        "of_which_planning_seconds": end - read,
        "plan_100k_megabytes": peak / 1_000_000,
    }


def run() -> dict[str, float]:
    """Give the median of several runs, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "split.json")
        write_split(path)
        runs = [json.loads(_in_a_process_of_its_own(path)) for _ in range(RUNS)]
    return {name: statistics.median(figures[name] for figures in runs) for name in runs[0]}


def _in_a_process_of_its_own(path: Path) -> str:
    command = [sys.executable, __file__, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - this file


def main() -> int:
    medians = run()
    for name, median in medians.items():
        limit = LIMITS.get(name)
        against = f" of {limit:.0f} ({median / limit:.0%})" if limit else ""
        print(f"{name:28} {median:8.3f}{against}")
    return int(any(medians[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1]))))
    else:
        sys.exit(main())
