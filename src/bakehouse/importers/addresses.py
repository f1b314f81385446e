"""Settings by address, put together from several places of an old document. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bakehouse.importers.exact_numbers import points_of_portion
from bakehouse.importers.old_document import Node
from bakehouse.importers.place import Place
from bakehouse.rewards.money import WHOLE, BasisPoints, format_percentage
from bakehouse.rewards.payout_rules import DelegatorRule, IncomeShare
from bakehouse.tezos.address import Address, parse_recipient


@dataclass(slots=True)
class RulesByAddress:
    """Rules of single delegators while they are collected; nothing is set twice."""

    _rules: dict[str, dict[str, Any]] = field(default_factory=dict)

    def set(self, address: str, **values: Any) -> None:
        """Add to what is different for an address."""
        self._rules.setdefault(address, {}).update(values)

    def has(self, address: str, name: str) -> bool:
        """Whether something is set for an address."""
        return name in self._rules.get(address, {})

    def rules(self) -> dict[str, DelegatorRule]:
        """Give the rules that say anything."""
        known = {each.name for each in fields(DelegatorRule)}
        return {
            address: DelegatorRule(**values)
            for address, values in sorted(self._rules.items())
            if values and set(values) <= known
        }


def address_of(node: Node) -> Address:
    """Read an address that can be paid; raises InputError with its place."""
    return node.read(parse_recipient)


def key_address(place: Place, text: str) -> Address:
    """Read an address that stands as a name; raises InputError with its place."""
    return place.read(parse_recipient, text)


def portions(node: Node | None, what: str, *, is_whole: bool) -> dict[str, BasisPoints]:
    """Read parts of 1 by address; raises InputError for more than 1, or less where it is a whole.

    The sum is told with the line of the map.
    """
    if node is None or (node.text or "").lower() == "none":
        return {}
    found: dict[str, BasisPoints] = {}
    for text, value in node.table().items():
        address = key_address(value.place, text)
        found[address] = value.read(points_of_portion)
    total = sum(found.values())
    if total > WHOLE or (is_whole and found and total != WHOLE):
        wanted = "and must be 100 %" if is_whole else "more than 100 %"
        raise node.place.mistake(
            f"the shares of {what} add up to {format_percentage(BasisPoints(total))} %, {wanted}"
        )
    return found


def income_of(
    bonds: Mapping[str, BasisPoints],
    fees: Mapping[str, BasisPoints],
    excluded: Mapping[str, BasisPoints],
    wallet: str | None,
) -> tuple[IncomeShare, ...]:
    """Make income shares; what the paying wallet would pay itself is left out: it keeps it."""
    addresses = sorted({*bonds, *fees, *excluded} - {wallet})
    none = BasisPoints(0)
    return tuple(
        IncomeShare(
            address,
            of_bonds=bonds.get(address, none),
            of_fees=fees.get(address, none),
            of_excluded=excluded.get(address, none),
        )
        for address in addresses
        if bonds.get(address) or fees.get(address) or excluded.get(address)
    )


def require(node: Node, name: str) -> Node:
    """Give an entry that must be there; raises InputError with the table's place."""
    found = node.get(name)
    if found is None:
        raise node.place.mistake(f"{name} is missing")
    return found


def one_of(node: Node, *allowed: str) -> str:
    """Read a word of these; raises InputError with its place."""
    text = (node.text or "").strip()
    if text not in allowed:
        raise node.place.mistake(f"this must be one of {', '.join(allowed)}")
    return text
