"""Base58check texts of Tezos (addresses, hashes, keys, signatures) and the bytes they stand for.

Only the encoding lives here. Texts may be secrets, so no message of this module repeats them.
"""

from enum import Enum
from hashlib import sha256

from bakehouse.errors import EncodingError

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {character: digit for digit, character in enumerate(_ALPHABET)}
_CHECKSUM_SIZE = 4


class Prefix(Enum):
    """A kind of text: how it begins, the bytes that make it begin so, and its payload's size.

    Every member was chosen by the Tezos developers so that its texts have one length, begin
    with `text`, and never begin with the digit zero (the character 1).
    """

    def __init__(self, text: str, magic: bytes, size: int) -> None:
        self.text = text
        self.magic = magic
        self.size = size

    TZ1 = ("tz1", bytes((6, 161, 159)), 20)
    TZ2 = ("tz2", bytes((6, 161, 161)), 20)
    TZ3 = ("tz3", bytes((6, 161, 164)), 20)
    TZ4 = ("tz4", bytes((6, 161, 166)), 20)
    KT1 = ("KT1", bytes((2, 90, 121)), 20)
    SR1 = ("sr1", bytes((6, 124, 117)), 20)

    BLOCK_HASH = ("B", bytes((1, 52)), 32)
    OPERATION_HASH = ("o", bytes((5, 116)), 32)
    PROTOCOL_HASH = ("P", bytes((2, 170)), 32)
    CHAIN_ID = ("Net", bytes((87, 82, 0)), 4)

    EDPK = ("edpk", bytes((13, 15, 37, 217)), 32)
    SPPK = ("sppk", bytes((3, 254, 226, 86)), 33)
    P2PK = ("p2pk", bytes((3, 178, 139, 127)), 33)
    BLPK = ("BLpk", bytes((6, 149, 135, 204)), 48)

    EDSK_SEED = ("edsk", bytes((13, 15, 58, 7)), 32)
    EDSK_SECRET = ("edsk", bytes((43, 246, 78, 7)), 64)
    SPSK = ("spsk", bytes((17, 162, 224, 201)), 32)
    P2SK = ("p2sk", bytes((16, 81, 238, 189)), 32)

    EDESK = ("edesk", bytes((7, 90, 60, 179, 41)), 56)
    SPESK = ("spesk", bytes((9, 237, 241, 174, 150)), 56)
    P2ESK = ("p2esk", bytes((9, 48, 57, 115, 171)), 56)

    EDSIG = ("edsig", bytes((9, 245, 205, 134, 18)), 64)
    SPSIG = ("spsig", bytes((13, 115, 101, 19, 63)), 64)
    P2SIG = ("p2sig", bytes((54, 240, 44, 52)), 64)
    SIG = ("sig", bytes((4, 130, 43)), 64)
    BLSIG = ("BLsig", bytes((40, 171, 64, 207)), 96)


#: Dividing large numbers is slow: two digits are taken off at once.
_TWO_DIGITS = [high + low for high in _ALPHABET for low in _ALPHABET]

#: Length of the longest text above (BLsig); anything longer is refused unread.
TEXT_LENGTH_MAX = 142


def encode(prefix: Prefix, payload: bytes) -> str:
    """Write `payload` as a text of the given kind; EncodingError if its size is not that kind's."""
    if len(payload) != prefix.size:
        raise EncodingError(
            f"{len(payload)} bytes cannot be written as {prefix.text}: it takes {prefix.size}"
        )
    data = prefix.magic + payload
    number = int.from_bytes(data + _checksum(data))
    groups = []
    while number:
        number, group = divmod(number, len(_TWO_DIGITS))
        groups.append(_TWO_DIGITS[group])
    # Only the first group may be shorter; no kind of text begins with the digit for zero.
    return "".join(reversed(groups)).lstrip(_ALPHABET[0])


def decode(text: str, *allowed: Prefix) -> tuple[Prefix, bytes]:
    """Read a text of one of the `allowed` kinds (any, if none is named) as its kind and payload.

    Raises EncodingError for a character outside base58, a wrong checksum, or another kind. There
    is exactly one text for a payload: what decodes here encodes back to the same text.
    """
    data = _without_checksum(_to_bytes(text))
    for prefix in allowed or Prefix:
        if data.startswith(prefix.magic) and len(data) == len(prefix.magic) + prefix.size:
            return prefix, data[len(prefix.magic) :]
    expected = ", ".join(dict.fromkeys(prefix.text for prefix in allowed or Prefix))
    raise EncodingError(f"its prefix is not one of {expected}")


def _to_bytes(text: str) -> bytes:
    if len(text) > TEXT_LENGTH_MAX:
        raise EncodingError(f"it has {len(text)} characters, more than any Tezos text")
    # A leading 1 is a zero that int arithmetic would drop; no kind of text begins with it.
    if not text or text[0] == _ALPHABET[0]:
        raise EncodingError("it is empty" if not text else "no Tezos text begins with 1")
    number = 0
    try:
        for character in text:
            number = number * 58 + _DIGITS[character]
    except KeyError as error:
        stranger = error.args[0]
        raise EncodingError(
            f"character {text.index(stranger) + 1}, {stranger!a}, is not a base58 character"
        ) from None
    return number.to_bytes((number.bit_length() + 7) // 8)


def _without_checksum(checked: bytes) -> bytes:
    data, checksum = checked[:-_CHECKSUM_SIZE], checked[-_CHECKSUM_SIZE:]
    if checksum != _checksum(data):
        raise EncodingError("its checksum is wrong: a character is mistyped, missing or too many")
    return data


def _checksum(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()[:_CHECKSUM_SIZE]
