"""Asking the indexer what wallets have sent, for `checking`. Changes nothing."""

from collections.abc import Sequence

from bakehouse.errors import WrongChainError
from bakehouse.importers.checking import Searched, Sent
from bakehouse.importers.moving_in import OldPayment
from bakehouse.payments.payer import Payer
from bakehouse.tezos.address import Address
from bakehouse.tezos.node import FINALITY_BLOCKS


async def search(
    payer: Payer, network: str, payout_address: str, payments: Sequence[OldPayment]
) -> Searched:
    """Read what was sent since the oldest of these payments' cycles, from every wallet they name.

    The wallet that pays today is read first; operations that it did not send tell of others. What
    is in no final block yet does not count. Raises SourceError when the chain cannot be read,
    WrongChainError for another chain.
    """
    head = await payer.indexer.head()
    if head.chain_id != network:
        raise WrongChainError(f"the indexer is on chain {head.chain_id}, not {network}")
    to_level = head.level - FINALITY_BLOCKS
    oldest = min((each.cycle for each in payments), default=None)
    if oldest is None:
        return Searched(to_level, (payout_address,), (), {})
    after_level = await payer.indexer.cycle_last_level(oldest)
    sent = await _sent_from(payer, payout_address, after_level, to_level)
    wallets = [payout_address]
    for wallet in await _other_wallets(payer, payments, sent, payout_address):
        wallets.append(wallet)
        sent += await _sent_from(payer, wallet, after_level, to_level)
    ends = await _ends(payer, payments, sent)
    return Searched(to_level, tuple(wallets), tuple(sent), ends)


async def _ends(
    payer: Payer, payments: Sequence[OldPayment], sent: Sequence[Sent]
) -> dict[int, int]:
    """Read where cycles end, of payments that are not found by the operation they name."""
    found = {(each.operation_hash, each.destination) for each in sent}
    cycles = {each.cycle for each in payments if (each.operation_hash, each.address) not in found}
    return {cycle: await payer.indexer.cycle_last_level(cycle) for cycle in sorted(cycles)}


async def _sent_from(payer: Payer, wallet: str, after_level: int, to_level: int) -> list[Sent]:
    _, transfers = await payer.indexer.sent_transfers(Address(wallet), after_level=after_level)
    return [
        Sent(each.level, each.operation_hash, each.destination, each.amount)
        for each in transfers
        if each.level <= to_level
    ]


async def _other_wallets(
    payer: Payer, payments: Sequence[OldPayment], sent: Sequence[Sent], payout_address: str
) -> list[str]:
    """Find the wallets whose operations the payments name, and that pay no more."""
    known = {each.operation_hash for each in sent}
    named = {each.operation_hash for each in payments if each.operation_hash is not None}
    wallets: set[str] = set()
    for operation_hash in sorted(named - known):
        found = await payer.indexer.applied_transfers(operation_hash)
        wallets |= {each.sender for each in found}
    return sorted(wallets - {payout_address})
