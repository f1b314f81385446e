"""Who may look at the board, and who may touch it. It shows the jobs of every baker."""

from fastapi import Depends, Request

# To be replaced by bakehouse.web.permission.needs(role, all_bakers=True).


def may_change(request: Request) -> bool:
    """Whether the caller's board has buttons."""
    return request.state.caller is not None


def _reads() -> None: ...


def _changes() -> None: ...


READS = Depends(_reads)
CHANGES = Depends(_changes)
