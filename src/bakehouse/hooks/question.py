"""What a hook is sent: one JSON object, the same bytes for the same question. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import HookPoint

#: Raised when a document changes in a way that a careful reader would have to know of.
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a hook: its body, and a name by which a repeated one is recognised."""

    point: HookPoint
    id: str
    body: bytes


def header(
    point: HookPoint, distribution: Distribution, alias: str | None, *, hook: str
) -> dict[str, Any]:
    """Give what every document begins with: what is asked, and about what."""
    key = distribution.key
    return {
        "version": VERSION,
        "point": point.value,
        "hook": hook,
        "network": key.network,
        "baker": key.baker_id,
        "alias": alias,
        "cycle": key.cycle,
        "kind": key.kind.value,
        "mode": key.mode.value,
    }


def encode(document: Mapping[str, Any]) -> bytes:
    """Write a document in the one way there is."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def sha256(body: bytes) -> str:
    """Name a question by its bytes."""
    return hashlib.sha256(body).hexdigest()
