"""What a careful clerk would keep on paper of a baker's payouts; it knows nothing of the ledger."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

#: One person's money of one cycle: the cycle and whom it is owed to.
Line = tuple[int, str]


@dataclass
class Owed:
    """What a line says. `group` is the signed group it is bound to, or was paid by."""

    net: int
    state: str
    paid_with: int
    group: str | None = None
    times_paid: int = 0


@dataclass
class Group:
    """A signed group of transfers, and the lines it pays."""

    counter: int
    cycle: int
    lines: frozenset[Line]
    state: str = "signed"


@dataclass
class Book:
    """The lines, and every group by its hash."""

    owed: dict[Line, Owed] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    #: What each plan said in all; nothing that happens later changes it.
    totals: Counter[int] = field(default_factory=Counter)

    def enter(self, cycle: int, nets: dict[str, int], minimum: int) -> None:
        """Enter a plan: what is below the minimum waits."""
        self.totals[cycle] += sum(nets.values())
        for name, net in nets.items():
            state = "carried" if net < minimum else "owed"
            self.owed[cycle, name] = Owed(net, state, paid_with=cycle)

    def lift(self, cycle: int, name: str) -> None:
        """Let what waits for a person be paid with a cycle."""
        for (_, owed_to), line in self.owed.items():
            if owed_to == name and line.state == "carried":
                line.state, line.paid_with = "owed", cycle

    def lines_in(self, state: str) -> list[Line]:
        """Give the lines that are in a state."""
        return sorted(line for line, it in self.owed.items() if it.state == state)

    def groups_in(self, *states: str) -> list[str]:
        """Give the groups that are in one of these states."""
        return sorted(name for name, it in self.groups.items() if it.state in states)

    def is_quiet(self) -> bool:
        """Whether no group is in flight."""
        return not self.groups_in("signed", "injected")

    def may_sign(self, counter: int, lines: Iterable[Line]) -> bool:
        """Whether all is owed, nothing is in flight, and no living group has the counter."""
        living = self.groups_in("signed", "injected", "included", "final")
        return (
            self.is_quiet()
            and all(self.owed[line].state == "owed" for line in lines)
            and all(self.groups[name].counter != counter for name in living)
        )

    def sign(self, name: str, group: Group) -> None:
        """Bind a group's lines to it."""
        self.groups[name] = group
        for line in group.lines:
            self.owed[line].state, self.owed[line].group = "assigned", name

    def pay(self, name: str) -> None:
        """Book a group's lines as paid."""
        for line in self.groups[name].lines:
            self.owed[line].state = "paid"
            self.owed[line].times_paid += 1

    def free(self, name: str, *, held: str | None = None) -> None:
        """Let a group's lines be owed again, but hold those of one person."""
        for cycle, owed_to in self.groups[name].lines:
            line = self.owed[cycle, owed_to]
            line.state, line.group = "held" if owed_to == held else "owed", None

    def times_it_may_be_paid(self, line: Line) -> int:
        """Count how often a line was paid, and could yet be by groups that live."""
        living = self.groups_in("signed", "injected", "included")
        return self.owed[line].times_paid + sum(line in self.groups[it].lines for it in living)

    def states(self) -> dict[Line, tuple[int, str, int, str | None]]:
        """Give net, state, paying cycle and group of each line."""
        return {line: (it.net, it.state, it.paid_with, it.group) for line, it in self.owed.items()}

    def counts(self, cycle: int) -> dict[str, tuple[int, int]]:
        """Count and sum what a cycle pays, by state."""
        counted: dict[str, tuple[int, int]] = {}
        for line in self.owed.values():
            if line.paid_with == cycle:
                count, total = counted.get(line.state, (0, 0))
                counted[line.state] = count + 1, total + line.net
        return counted
