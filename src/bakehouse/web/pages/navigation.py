"""The way around: pages that are served and that the caller may open, in one order everywhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bakehouse.web.caller import Caller
from bakehouse.web.permission import Need, ServedRoute

_HOUSE: Final = (
    ("/", "Home"),
    ("/waiting", "Waiting"),
    ("/simulation", "Simulation"),
    ("/alerts", "Alerts"),
    ("/schedules", "Schedules"),
    ("/admin/queues", "Queues"),
    ("/audit", "Audit"),
    ("/settings", "Settings"),
    ("/users", "Users"),
    ("/tokens", "Tokens"),
    ("/docs", "API"),
)

_BAKER: Final = (
    ("/bakers/{baker_id}", "Overview"),
    ("/bakers/{baker_id}/statistics", "Statistics"),
    ("/bakers/{baker_id}/simulation", "Simulation"),
    ("/bakers/{baker_id}/delegators", "Delegators"),
    ("/bakers/{baker_id}/fees", "Fees"),
    ("/bakers/{baker_id}/rules", "Rules"),
    ("/bakers/{baker_id}/income", "Income"),
    ("/bakers/{baker_id}/bond-pool", "Bond pool"),
    ("/bakers/{baker_id}/transfers", "Transfers"),
    ("/bakers/{baker_id}/deductions", "Deductions"),
    ("/bakers/{baker_id}/announcements", "Announcements"),
    ("/bakers/{baker_id}/hooks", "Hooks"),
    ("/bakers/{baker_id}/settings", "Settings"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A page to go to."""

    path: str
    name: str


class Navigation:
    """What is served, and what each page needs of whoever opens it: its route says so."""

    def __init__(self, served: Iterable[ServedRoute]) -> None:
        self._needs: Mapping[str, Sequence[Need]] = {
            route.path: route.needs for route in served if "GET" in route.methods
        }

    def house(self, caller: Caller) -> list[Place]:
        """Give the pages of the whole house; none to who is not known."""
        if caller.grant is None:
            return []
        return [Place(path, name) for path, name in _HOUSE if self._may_open(caller, path)]

    def baker(self, caller: Caller, baker_id: str) -> list[Place]:
        """Give the pages of one baker that the caller may see."""
        return [
            Place(path.format(baker_id=baker_id), name)
            for path, name in _BAKER
            if self._may_open(caller, path)
        ]

    def _may_open(self, caller: Caller, path: str) -> bool:
        needs = self._needs.get(path)
        return needs is not None and all(
            (need.role is None or caller.has(need.role))
            and (caller.sees_all or not need.all_bakers)
            for need in needs
        )
