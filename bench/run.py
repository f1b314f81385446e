"""Run every benchmark in a process of its own; exits 1 when one is beyond its limit."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = (
    "forge_and_sign",
    "plan_100k",
    "pages_10k",
    "cold_start",
    "recovery",
    "blocks",
    "paying",
    "jobs",
    "schedules",
    "many_bakers",
    # Not one itself: it writes what the others have kept into docs/benchmarks.md.
    "report",
)


def main() -> int:
    codes = [
        subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=ROOT, check=False).returncode  # noqa: S603 - ours
        for name in BENCHMARKS
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
