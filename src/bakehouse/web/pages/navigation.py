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

_OF: Final = "/bakers/{baker_id}"
_OVERVIEW: Final = "Overview"

#: What belongs together stands together: a group is as long as a phone is wide.
_BAKER: Final = (
    (_OVERVIEW, ((_OF, _OVERVIEW),)),
    ("Statistics", ((f"{_OF}/statistics", "Statistics"),)),
    ("Simulation", ((f"{_OF}/simulation", "Simulation"),)),
    ("Delegators", ((f"{_OF}/delegators", "Delegators"),)),
    ("Transfers", ((f"{_OF}/transfers", "Transfers"), (f"{_OF}/deductions", "Deductions"))),
    (
        "Sharing",
        (
            (f"{_OF}/fees", "Fees"),
            (f"{_OF}/rules", "Rules"),
            (f"{_OF}/income", "Income"),
            (f"{_OF}/bond-pool", "Bond pool"),
        ),
    ),
    (
        "Settings",
        (
            (f"{_OF}/settings", "Settings"),
            (f"{_OF}/announcements", "Announcements"),
            (f"{_OF}/hooks", "Hooks"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A page to go to."""

    path: str
    name: str


@dataclass(frozen=True, slots=True)
class PlaceGroup:
    """Pages that belong together; the first is where the group leads."""

    name: str
    places: Sequence[Place]

    @property
    def path(self) -> str:
        """Where it leads."""
        return self.places[0].path

    def holds(self, path: str) -> bool:
        """Whether a page is one of the group, or below one."""
        return any(self.is_at(place, path) for place in self.places)

    def is_at(self, place: Place, path: str) -> bool:
        """Whether a page is this place, or below it."""
        # Everything is below the overview.
        is_below = place.name != _OVERVIEW and path.startswith(f"{place.path}/")
        return path == place.path or is_below


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

    def baker(self, caller: Caller, baker_id: str) -> list[PlaceGroup]:
        """Give the pages of one baker that the caller may see, by group."""
        groups = [
            PlaceGroup(
                name,
                [
                    Place(path.format(baker_id=baker_id), title)
                    for path, title in places
                    if self._may_open(caller, path)
                ],
            )
            for name, places in _BAKER
        ]
        return [group for group in groups if group.places]

    def _may_open(self, caller: Caller, path: str) -> bool:
        needs = self._needs.get(path)
        return needs is not None and all(
            (need.role is None or caller.has(need.role))
            and (caller.sees_all or not need.all_bakers)
            for need in needs
        )
