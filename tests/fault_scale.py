"""How large the fault tests are: FAULT_SCALE times the size that `make test` runs."""

import os
from collections.abc import Sequence
from typing import TypeVar

Case = TypeVar("Case")

FAULT_SCALE = int(os.environ.get("FAULT_SCALE", "1"))


def some_of(cases: Sequence[Case], step: int = 2) -> Sequence[Case]:
    """Give every `step`-th case in the smallest size, all in larger ones."""
    return cases[:: step if FAULT_SCALE == 1 else 1]
