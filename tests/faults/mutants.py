"""Ways to break the code under test, each of which the fault tests must notice. Nothing else."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

MUTANTS: Final[dict[str, Callable[[], AbstractContextManager[None]]]] = {"none": nullcontext}
