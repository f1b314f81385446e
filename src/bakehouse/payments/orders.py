"""Giving an order outside any cycle: checked, and entered in the ledger. Nothing is signed here."""

from uuid import uuid4

from bakehouse.errors import InputError, RefusalError, WrongChainError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import bakers, manual_transfers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.manual_transfers import ManualTransfer, NewManualTransfer
from bakehouse.ledger.states import ManualOrigin, Mode
from bakehouse.payments.controls import Decision
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.tezos.address import Address
from bakehouse.tezos.node import FINALITY_BLOCKS

#: The longest name of an order.
KEY_LENGTH_MAX = 100


async def order_transfer(  # noqa: PLR0913 - keyword-only facts of one order
    payer: Payer,
    baker_id: str,
    destination: str,
    amount: Mutez,
    by: Decision,
    *,
    key: str | None = None,
    origin: ManualOrigin = ManualOrigin.TRANSFER,
    spends_owed: bool = False,
) -> ManualTransfer:
    """Order a transfer from a baker's payout wallet; the same key and facts are the same order.

    `key` is made up when the caller names none. Raises InputError for what cannot be transferred,
    RefusalError for a baker that is off, ConflictError for a key of another order, SourceError when
    no node tells where the chain is.
    """
    if amount <= 0:
        raise InputError("an amount of 1 mutez or more can be transferred, not of 0")
    baker = await _allowed(payer, baker_id)
    if destination == baker.payout_address:
        raise InputError(f"{destination} is the payout wallet itself")
    return await _enter(
        payer,
        NewManualTransfer(
            network=baker.network,
            baker_id=baker_id,
            origin=origin,
            idempotence_key=checked_key(key),
            source=baker.payout_address,
            destination=destination,
            amount=amount,
            actor=by.actor,
            why=by.why,
            ordered_level=await _final_level(payer),
            spends_owed=spends_owed,
        ),
    )


async def order_reveal(
    payer: Payer, baker_id: str, by: Decision, *, key: str | None = None
) -> ManualTransfer | None:
    """Order that the payout wallet's key is revealed; None when it is already. Raises likewise."""
    baker = await _allowed(payer, baker_id)
    source = Address(baker.payout_address)
    if key is None or not await _is_known(payer, baker_id, key):
        head = await payer.node.head()
        if await payer.node.manager_key(source, head.hash) is not None:
            return None
    return await _enter(
        payer,
        NewManualTransfer(
            network=baker.network,
            baker_id=baker_id,
            origin=ManualOrigin.REVEAL,
            idempotence_key=checked_key(key),
            source=source,
            destination=source,
            amount=NO_MUTEZ,
            actor=by.actor,
            why=by.why,
            ordered_level=await _final_level(payer),
        ),
    )


def checked_key(key: str | None) -> str:
    """Give the name of an order, a new one for None; raises InputError for one that cannot be."""
    if key is None:
        return str(uuid4())
    if not 0 < len(key) <= KEY_LENGTH_MAX or not key.isprintable() or key != key.strip():
        raise InputError(
            f"the key of an order is a line of 1 to {KEY_LENGTH_MAX} characters, not {key[:200]!r}"
        )
    return key


async def _allowed(payer: Payer, baker_id: str) -> Baker:
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    if baker.mode is Mode.OFF:
        raise RefusalError(
            f"the baker {baker_id} is switched off: nothing leaves its wallet. In mode "
            f"{Mode.SIMULATION} no cycle is paid, and what a person orders is done"
        )
    chain_id = await payer.node.chain_id()
    if chain_id != baker.network:
        raise WrongChainError(
            f"the node is on chain {chain_id}, the baker {baker_id} on {baker.network}"
        )
    return baker


async def _is_known(payer: Payer, baker_id: str, key: str) -> bool:
    async with payer.ledger.read() as tx:
        return await manual_transfers.find(tx, baker_id, key) is not None


async def _final_level(payer: Payer) -> int:
    return max(0, (await payer.node.head()).level - FINALITY_BLOCKS)


async def _enter(payer: Payer, new: NewManualTransfer) -> ManualTransfer:
    async with payer.ledger.write() as tx:
        ordered = await manual_transfers.order(tx, new, at=payer.clock())
    failpoint(Failpoint.AFTER_ORDER)
    return ordered
