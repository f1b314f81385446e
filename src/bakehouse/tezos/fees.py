"""The fee below which nodes take no operation, exactly, and its spread over a group's contents.

Pure. Nodes reckon in nanotez: the whole group's fee must reach a constant, plus a price for every
unit of gas limit, plus one for every byte, signature included (octez, mempool plugin).
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from bakehouse.errors import SourceMalformedError
from bakehouse.rewards.money import WHOLE, BasisPoints, Mutez
from bakehouse.tezos.forging import content_size
from bakehouse.tezos.operation import OperationGroup
from bakehouse.tezos.strict_json import Fields, read_list, read_natural

#: Bytes of a signed group beside its contents: the branch, and the signature of a tz1 to tz3 key.
ENVELOPE_SIZE: Final = 32 + 64

_NANOTEZ_PER_MUTEZ: Final = 1000
_BITS_PER_BYTE: Final = 7


@dataclass(frozen=True, slots=True)
class FeeFilter:
    """A node's prices; `minimal_fees` in mutez a group, the others in nanotez a unit."""

    minimal_fees: Mutez
    nanotez_per_gas_unit: Fraction
    nanotez_per_byte: Fraction


def parse_fee_filter(document: Any) -> FeeFilter:
    """Read the answer of `mempool/filter?include_default=true`; raises SourceMalformedError."""
    fields = Fields.of(document)
    return FeeFilter(
        minimal_fees=Mutez(fields.natural("minimal_fees")),
        nanotez_per_gas_unit=_rational(fields, "minimal_nanotez_per_gas_unit"),
        nanotez_per_byte=_rational(fields, "minimal_nanotez_per_byte"),
    )


def minimum_fee(fee_filter: FeeFilter, *, gas: int, size_bytes: int) -> Mutez:
    """Give the least fee of a whole group that a node takes, rounded up to mutez.

    `gas` is the sum of its contents' gas limits, `size_bytes` the length of its signed bytes.
    """
    nanotez = (
        fee_filter.minimal_fees * _NANOTEZ_PER_MUTEZ
        + fee_filter.nanotez_per_gas_unit * gas
        + fee_filter.nanotez_per_byte * size_bytes
    )
    return _to_mutez(nanotez)


def fees_for(
    group: OperationGroup, fee_filter: FeeFilter, margin: BasisPoints
) -> tuple[Mutez, ...]:
    """Give a fee for each content, such that the group's total is its minimum plus the margin.

    Each content pays for its own bytes and gas limit, so that costs can be told per transfer; the
    first also pays for what the group shares. The fees that the contents have are not looked at,
    the rest must be final. The total may exceed what is due by less than a mutez a content.
    """
    factor = Fraction(WHOLE + margin, WHOLE)
    shared = (
        fee_filter.minimal_fees * _NANOTEZ_PER_MUTEZ + fee_filter.nanotez_per_byte * ENVELOPE_SIZE
    )
    per_byte = fee_filter.nanotez_per_byte * factor
    fees: list[Mutez] = []
    for content in group.contents:
        size_without_fee = content_size(content) - _number_size(content.fee)
        rest = fee_filter.nanotez_per_gas_unit * content.gas_limit * factor
        if not fees:
            rest += shared * factor
        fees.append(_self_paying(rest + per_byte * size_without_fee, per_byte))
    return tuple(fees)


def shared_fee(fee_filter: FeeFilter, margin: BasisPoints) -> Mutez:
    """Give what the first content of a group pays for all of it, rounded up to mutez."""
    shared = (
        fee_filter.minimal_fees * _NANOTEZ_PER_MUTEZ + fee_filter.nanotez_per_byte * ENVELOPE_SIZE
    )
    return _to_mutez(shared * Fraction(WHOLE + margin, WHOLE))


def _self_paying(nanotez: Fraction, per_byte: Fraction) -> Mutez:
    """Find the least fee that covers `nanotez` and the bytes of its own number."""
    # A larger fee never has a shorter number, so each step costs the same or more, and a number
    # of a byte more covers 128 times as much: this settles within a few steps.
    fee = _to_mutez(nanotez)
    while (due := _to_mutez(nanotez + per_byte * _number_size(fee))) > fee:
        fee = due
    return fee


def _number_size(number: int) -> int:
    """Count the bytes of a number in an operation, seven bits each."""
    return max(1, -(-number.bit_length() // _BITS_PER_BYTE))


def _to_mutez(nanotez: Fraction) -> Mutez:
    return Mutez(-(-nanotez // _NANOTEZ_PER_MUTEZ))


def _rational(fields: Fields, name: str) -> Fraction:
    path = fields.path_to(name)
    parts = read_list(fields.value(name), path)
    if len(parts) != 2:  # noqa: PLR2004 - a rational is a numerator and a denominator
        raise SourceMalformedError(f"{path} must be a numerator and a denominator")
    numerator, denominator = (read_natural(part, path) for part in parts)
    if denominator == 0:
        raise SourceMalformedError(f"{path} must not be divided by 0")
    return Fraction(numerator, denominator)
