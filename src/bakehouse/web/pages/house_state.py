"""What every page says of the whole house in one line: whether anything waits for a person."""

from dataclasses import dataclass

from fastapi import Request


@dataclass(frozen=True, slots=True)
class HouseState:
    """How many open alerts the caller may see: whatever fails or is held opens one."""

    open_alerts: int


def note_house_state(request: Request, state: HouseState) -> None:
    """Keep it with the request, for the page that answers it."""
    request.state.house_state = state


def house_state_of(request: Request) -> HouseState | None:
    """Give what was noted for this request; None where nobody may know."""
    state: HouseState | None = getattr(request.state, "house_state", None)
    return state
