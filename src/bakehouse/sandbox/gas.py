"""What operations cost in gas, in thousandths of a unit, as octez counts it in Ushuaia.

The first content of a group pays for checking the signature of all of it: the larger the group,
the more gas its first content takes.
"""

from typing import Final

from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.forging import forge
from bakehouse.tezos.operation import OperationGroup

#: Every content, before anything is done.
CONTENT_MILLIGAS: Final = 100_000
#: A transfer to the account of a key, allocated by it or not.
TRANSFER_MILLIGAS: Final = CONTENT_MILLIGAS + 2_000_000 + 40
#: A delegation contract that accepts a deposit; contracts vary, and this is one that behaves.
CONTRACT_TRANSFER_MILLIGAS: Final = 3_211_239

#: Checking a signature over no bytes at all, by the curve of the key.
_SIGNATURE_MILLIGAS: Final = {
    Prefix.EDPK.text: 65_800,
    Prefix.SPPK.text: 51_600,
    Prefix.P2PK.text: 341_000,
    Prefix.BLPK.text: 1_570_000,
}
#: Writing one byte of what is signed.
_BYTE_MILLIGAS: Final = 32
_BLS_KEY_SIZE: Final = 48


def signature_milligas(public_key: str, group: OperationGroup) -> int:
    """Give what it costs to check that a group was signed with this key."""
    return _check_milligas(public_key, len(forge(group)))


def reveal_milligas(public_key: str) -> int:
    """Give what a reveal costs; a BLS key's proof of possession is one more signature to check."""
    if public_key.startswith(Prefix.BLPK.text):
        return CONTENT_MILLIGAS + _check_milligas(public_key, _BLS_KEY_SIZE)
    return CONTENT_MILLIGAS


def _check_milligas(public_key: str, size: int) -> int:
    hashing = 3 * size if public_key.startswith(Prefix.BLPK.text) else size + size // 8
    return _SIGNATURE_MILLIGAS[public_key[:4]] + hashing + _BYTE_MILLIGAS * size
