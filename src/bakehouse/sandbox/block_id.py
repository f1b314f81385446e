"""How clients of a node name blocks."""

import re
from typing import Final

from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain

_BLOCK_ID: Final = re.compile(
    r"(?P<base>head|genesis|[0-9]{1,9}|B[1-9A-Za-z]{50})([~-](?P<back>[0-9]{1,9}))?", re.ASCII
)


def find_block(chain: Chain, text: str) -> Block:
    """Find `head`, `genesis`, a level or a hash, or the nth block before it (`head~2`, `head-2`).

    Raises LookupError if there is no such block on the chain, or if this names none.
    """
    match = _BLOCK_ID.fullmatch(text)
    if match is None:
        raise LookupError(f"{text!r} does not name a block")
    base = _base(chain, match["base"])
    return chain.block_at(base.level - int(match["back"] or 0))


def _base(chain: Chain, text: str) -> Block:
    if text == "head":
        return chain.head
    if text == "genesis":
        return chain.block_at(0)
    if text.isdecimal():
        return chain.block_at(int(text))
    return chain.block_with(text)
