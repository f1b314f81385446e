"""The transfers that an account has made, read from the chain's own blocks."""

from dataclasses import dataclass

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.protocol import ALLOCATION_BURN
from bakehouse.sandbox.receipt import Status
from bakehouse.tezos.operation import Transaction


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """One transfer in a block; amount, fee and burn in mutez.

    `position` is the transfer's place among the contents of its group. Only if `status` is applied
    has the amount moved; the fee is paid in any case.
    """

    level: int
    operation_hash: str
    position: int
    counter: int
    destination: str
    amount: int
    fee: int
    burn: int
    status: Status


def transfers_from(chain: Chain, address: str) -> list[TransferRecord]:
    """List every transfer of an account, whatever became of it, oldest first."""
    return [
        TransferRecord(
            level=block.level,
            operation_hash=included.signed.hash,
            position=position,
            counter=content.counter,
            destination=content.destination,
            amount=content.amount,
            fee=content.fee,
            burn=ALLOCATION_BURN if receipt.allocated and receipt.status is Status.APPLIED else 0,
            status=receipt.status,
        )
        for block in chain.simulated_blocks()
        for included in block.operations
        if included.signed.source == address
        for position, (content, receipt) in enumerate(
            zip(included.signed.group.contents, included.receipts, strict=True)
        )
        if isinstance(content, Transaction)
    ]
