"""Addresses of accounts and contracts, accepted by their checksum, never by their looks."""

from typing import NewType

from bakehouse.errors import AddressError, EncodingError
from bakehouse.tezos.base58check import Prefix, decode

#: A text that one of the functions below has accepted.
Address = NewType("Address", str)

#: Accounts that hold a key, and so can sign: tz1 (ed25519), tz2 (secp256k1), tz3 (p256), tz4 (BLS).
IMPLICIT = (Prefix.TZ1, Prefix.TZ2, Prefix.TZ3, Prefix.TZ4)

_RECIPIENT = (*IMPLICIT, Prefix.KT1)
_ANY = (*_RECIPIENT, Prefix.SR1)

#: Enough to show any address whole in a message, and to keep a pasted document out of it.
_SHOWN_LENGTH_MAX = 64


def parse_address(text: str) -> Address:
    """Accept any address that a transfer can name: tz1 to tz4, KT1, sr1; raises AddressError.

    Nothing is trimmed or corrected: an address that needs it was not copied from where it is true.
    """
    return _parse(text, _ANY)


def parse_recipient(text: str) -> Address:
    """Accept an address that a payout can be sent to: tz1 to tz4 or KT1; raises AddressError.

    A smart rollup is refused: the protocol fails transfers to it from implicit accounts.
    """
    address = _parse(text, _ANY)
    if address.startswith(Prefix.SR1.text):
        raise AddressError(
            f"{text} is a smart rollup, which cannot be paid: name a tz or KT1 address",
            address=text,
        )
    return address


def parse_implicit(text: str) -> Address:
    """Accept an address that can bake or pay: tz1 to tz4; raises AddressError."""
    return _parse(text, IMPLICIT)


def is_contract(address: Address) -> bool:
    """Tell whether a transfer to this address may run code, whose gas and outcome vary."""
    return address.startswith(Prefix.KT1.text)


def _parse(text: str, allowed: tuple[Prefix, ...]) -> Address:
    try:
        decode(text, *allowed)
    except EncodingError as error:
        shown = text if len(text) <= _SHOWN_LENGTH_MAX else f"{text[:_SHOWN_LENGTH_MAX]}…"
        raise AddressError(
            f"{shown!r} is not a valid Tezos address: {error.message}", address=shown
        ) from error
    return Address(text)
