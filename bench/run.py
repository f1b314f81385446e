"""Run every benchmark in a process of its own; exits 1 when one is above its limit."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = (
    "forge_and_sign.py",
    "plan_100k.py",
    "pages_10k.py",
    "cold_start.py",
    "recovery.py",
    "blocks.py",
    "many_bakers.py",
)


def main() -> int:
    here = Path(__file__).parent
    codes = [
        subprocess.run([sys.executable, here / name], check=False).returncode  # noqa: S603 - ours
        for name in BENCHMARKS
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
