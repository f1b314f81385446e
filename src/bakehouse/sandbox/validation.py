"""When an operation group may be in a block: the protocol's conditions, in the protocol's order.

The conditions are those of `validate.ml` (octez) for manager operations, and the fees that nodes
ask for before they look any further (the mempool plugin). What a valid group then does is
`application`'s; which valid group wins over another is `mempool`'s.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Final

from bakehouse.errors import EncodingError
from bakehouse.sandbox.account import Account
from bakehouse.sandbox.gas import CONTENT_MILLIGAS, signature_milligas
from bakehouse.sandbox.node_error import OperationRefusedError, ProtocolError, ShellError
from bakehouse.sandbox.protocol import (
    MILLIGAS_PER_GAS,
    OPERATION_SIZE_MAX,
    USHUAIA,
    Protocol,
)
from bakehouse.sandbox.receipt import SignedGroup
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.forging import forge
from bakehouse.tezos.keys import OPERATION_WATERMARK, PublicKey
from bakehouse.tezos.operation import Content, OperationGroup, Reveal
from bakehouse.tezos.signed_operation import decode_signed, operation_hash

ReadAccount = Callable[[str], Account | None]

#: The node's default fees: 100 mutez, and a tenth of a mutez for a gas unit, and one for a byte.
MINIMAL_FEES: Final = 100
MINIMAL_NANOTEZ_PER_GAS_UNIT: Final = 100
MINIMAL_NANOTEZ_PER_BYTE: Final = 1_000
_NANOTEZ_PER_MUTEZ: Final = 1_000

#: Signatures whose verdict is remembered: a waiting group is judged again with every block.
_VERIFIED_MAX: Final = 4_096


def read_signed(signed_bytes: bytes) -> SignedGroup:
    """Read what somebody injected; raises OperationRefusedError for what is not an operation."""
    size = len(signed_bytes)
    if size > OPERATION_SIZE_MAX:
        raise OperationRefusedError(ShellError.OVERSIZED(size=size, max_size=OPERATION_SIZE_MAX))
    try:
        group, signature = decode_signed(signed_bytes)
    except EncodingError as error:
        raise OperationRefusedError(ShellError.PARSE()) from error
    return SignedGroup(operation_hash(signed_bytes), group, signature, size)


def minimal_fee(*, gas_limit: int, size: int) -> int:
    """Give the fees, in mutez, that nodes ask of a group of so much gas and so many bytes."""
    required = (
        MINIMAL_FEES * _NANOTEZ_PER_MUTEZ
        + MINIMAL_NANOTEZ_PER_GAS_UNIT * gas_limit
        + MINIMAL_NANOTEZ_PER_BYTE * size
    )
    return -(-required // _NANOTEZ_PER_MUTEZ)


def check_fee(signed: SignedGroup, factor: int = 1) -> None:
    """Refuse a group whose fees, all together, are below `factor` times what nodes ask for."""
    if signed.fee < factor * minimal_fee(gas_limit=signed.gas_limit, size=signed.size):
        raise OperationRefusedError(ProtocolError.FEES_TOO_LOW())


def check_signed_group(
    read: ReadAccount, signed: SignedGroup, protocol: Protocol = USHUAIA
) -> None:
    """Refuse a signed group that may not be in the block after the state that `read` shows."""
    public_key = check_group(read, signed.group, protocol)
    message = OPERATION_WATERMARK + forge(signed.group)
    if not _verifies(public_key, signed.signature, message):
        raise OperationRefusedError(ProtocolError.INVALID_SIGNATURE())


def check_group(read: ReadAccount, group: OperationGroup, protocol: Protocol = USHUAIA) -> str:
    """Refuse a group that may not be in the next block, whoever signed it.

    Gives the text of the public key that its signature must be of.
    """
    _check_batch(group)
    first = group.contents[0]
    account = read(first.source)
    if account is None:
        raise OperationRefusedError(ProtocolError.EMPTY_IMPLICIT_CONTRACT(implicit=first.source))
    _check_counter(account, first)
    public_key = first.public_key if isinstance(first, Reveal) else account.public_key
    if public_key is None:
        raise OperationRefusedError(ProtocolError.UNREVEALED_KEY(contract=first.source))
    _check_limits_and_fees(account, group, signature_milligas(public_key, group), protocol)
    return public_key


def _check_batch(group: OperationGroup) -> None:
    source = group.contents[0].source
    for previous, content in pairwise(group.contents):
        if content.source != source:
            raise OperationRefusedError(
                ProtocolError.INCONSISTENT_SOURCES(
                    first_source=source, unexpected_source=content.source
                )
            )
        if content.counter != previous.counter + 1:
            raise OperationRefusedError(
                ProtocolError.INCONSISTENT_COUNTERS(
                    source=source,
                    previous_counter=previous.counter,
                    wrong_counter=content.counter,
                )
            )
        if isinstance(content, Reveal):
            raise OperationRefusedError(ProtocolError.INCORRECT_REVEAL_POSITION())


def _check_counter(account: Account, first: Content) -> None:
    expected = account.counter + 1
    if first.counter == expected:
        return
    error = (
        ProtocolError.COUNTER_IN_THE_PAST
        if first.counter < expected
        else ProtocolError.COUNTER_IN_THE_FUTURE
    )
    raise OperationRefusedError(
        error(contract=first.source, expected=expected, found=first.counter)
    )


def _check_limits_and_fees(
    account: Account, group: OperationGroup, signature: int, protocol: Protocol
) -> None:
    balance, is_allocated, gas_limit = account.balance, True, 0
    for content in group.contents:
        is_first = gas_limit == 0
        gas_limit += content.gas_limit
        _check_gas_limit(content, gas_limit, protocol)
        _check_fixed_gas(content, CONTENT_MILLIGAS + (signature if is_first else 0))
        if content.storage_limit > protocol.storage_limit_max:
            raise OperationRefusedError(ProtocolError.STORAGE_LIMIT_TOO_HIGH())
        if not is_allocated:
            raise OperationRefusedError(
                ProtocolError.EMPTY_IMPLICIT_CONTRACT(implicit=content.source)
            )
        if isinstance(content, Reveal):
            _check_revealed_key(content)
        balance, is_allocated = _after_fee(account, balance, content)


def _check_gas_limit(content: Content, group_gas_limit: int, protocol: Protocol) -> None:
    if content.gas_limit > protocol.gas_limit_per_operation_max:
        raise OperationRefusedError(ProtocolError.GAS_LIMIT_TOO_HIGH())
    if group_gas_limit > protocol.gas_limit_per_block_max:
        raise OperationRefusedError(
            ProtocolError.GAS_LIMIT_TOO_HIGH(), ProtocolError.GAS_EXHAUSTED_BLOCK()
        )


def _check_fixed_gas(content: Content, fixed_milligas: int) -> None:
    if content.gas_limit * MILLIGAS_PER_GAS < fixed_milligas:
        raise OperationRefusedError(
            ProtocolError.INSUFFICIENT_GAS_FOR_MANAGER(), ProtocolError.GAS_EXHAUSTED_OPERATION()
        )


def _check_revealed_key(reveal: Reveal) -> None:
    if reveal.public_key.startswith(Prefix.BLPK.text):
        if reveal.proof is None:
            raise OperationRefusedError(
                ProtocolError.MISSING_BLS_PROOF(source=reveal.source, public_key=reveal.public_key)
            )
        return
    try:
        address = PublicKey.parse(reveal.public_key).address
    except EncodingError as error:
        raise OperationRefusedError(ShellError.PARSE()) from error
    if address != reveal.source:
        raise OperationRefusedError(
            ProtocolError.INCONSISTENT_HASH(
                public_key=reveal.public_key, expected_hash=address, provided_hash=reveal.source
            )
        )


def _after_fee(account: Account, balance: int, content: Content) -> tuple[int, bool]:
    remaining = balance - content.fee
    if remaining < 0:
        raise OperationRefusedError(
            ProtocolError.BALANCE_TOO_LOW(
                contract=content.source, balance=balance, amount=content.fee
            )
        )
    if remaining == 0 and account.delegate is not None:
        raise OperationRefusedError(
            ProtocolError.EMPTY_IMPLICIT_DELEGATED_CONTRACT(implicit=content.source)
        )
    return remaining, remaining > 0 or account.staked > 0


@lru_cache(maxsize=_VERIFIED_MAX)
def _verifies(public_key: str, signature: bytes, message: bytes) -> bool:
    # BLS signatures end otherwise than the 64 bytes that were read, so none of them verifies.
    if public_key.startswith(Prefix.BLPK.text):
        return False
    return PublicKey.parse(public_key).verify(signature, message)
