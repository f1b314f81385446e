"""What a demo can be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakehouse.rewards.money import BasisPoints


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """How the demo's chain and baker are made, and when it ends."""

    #: A recorded `rewards/split` document whose cycle is paid first; None generates a baker.
    replay: Mapping[str, Any] | None
    delegator_count: int
    default_fee: BasisPoints
    exit_when_paid: bool
    port: int
    block_seconds: float
    #: Whether standard output is kept for the result, instead of a live view.
    is_quiet: bool
