"""What looks random in the simulated chain, drawn from its seed alone."""

from hashlib import blake2b

from bakehouse.tezos.base58check import Prefix, encode


def draw_bytes(size: int, *parts: object) -> bytes:
    """Draw up to 64 bytes that only the given parts decide."""
    label = "\x1f".join(map(str, parts)).encode()
    return blake2b(label, digest_size=size, person=b"sandbox").digest()


def draw_number(bound: int, *parts: object) -> int:
    """Draw a number from 0 up to, and not including, `bound`."""
    return int.from_bytes(draw_bytes(16, *parts)) % bound


def draw_text(prefix: Prefix, *parts: object) -> str:
    """Draw an address or hash of the given kind."""
    return encode(prefix, draw_bytes(prefix.size, *parts))
