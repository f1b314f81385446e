"""Topping up a payout wallet from its funding wallet: when it is low, once, and capped by the day.

A top-up is an order like those a person gives: same ledger, guards, lease and blocks.
"""

from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from bakehouse.errors import SignerError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import bakers, manual_transfers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.manual_transfers import ManualTransfer, NewManualTransfer
from bakehouse.ledger.states import ManualOrigin, ManualState, Mode
from bakehouse.payments.by_hand import OrderStep, advance_order
from bakehouse.payments.orders import checked_key
from bakehouse.payments.payer import Payer
from bakehouse.payments.reserve import owed_by_wallet
from bakehouse.rewards.money import NO_MUTEZ, Mutez, format_tez
from bakehouse.rewards.top_up import is_low, top_up_amount
from bakehouse.tezos.address import Address
from bakehouse.tezos.block import BlockHeader
from bakehouse.tezos.node import FINALITY_BLOCKS

#: What a funding wallet keeps beside a top-up: far more than its fee, and a new account's burn.
_LEFT_FOR_COSTS = Mutez(100_000)


@dataclass(frozen=True, slots=True)
class TopUpLook:
    """What came of looking at a payout wallet."""

    #: The top-up under way, or ended just now; None when there is none.
    step: OrderStep | None = None
    #: Why it could not be topped up, though it is low.
    trouble: str | None = None


async def top_up(payer: Payer, baker_id: str) -> TopUpLook:
    """Go on with the top-up under way, or order one when the payout wallet is low.

    Raises SourceError when the chain cannot be read.
    """
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        under_way = [
            each
            for each in await manual_transfers.open_of(tx, baker_id)
            if each.origin is ManualOrigin.TOP_UP
        ]
    if under_way:
        return await _advance(payer, under_way[0])
    if not baker.is_topped_up or baker.mode is not Mode.ON:
        return TopUpLook()
    ordered = await _order(payer, baker)
    return await _advance(payer, ordered) if isinstance(ordered, ManualTransfer) else ordered


async def _advance(payer: Payer, transfer: ManualTransfer) -> TopUpLook:
    step = await advance_order(payer, transfer.id)
    failed = step.transfer.state is ManualState.FAILED
    return TopUpLook(step, step.transfer.reason if failed else step.trouble)


async def _order(payer: Payer, baker: Baker) -> ManualTransfer | TopUpLook:
    head = await payer.node.head()
    wallet, at = baker.payout_address, payer.clock()
    async with payer.ledger.read() as tx:
        owed = await owed_by_wallet(tx, wallet)
        spent = await manual_transfers.topped_up_since_midnight(tx, baker.baker_id, at)
        origin = ManualOrigin.TOP_UP
        seen_from = await manual_transfers.last_done_level(tx, baker.baker_id, origin)
    if head.level < seen_from:
        # A node that has not seen the last one would have it sent again.
        return TopUpLook()
    balance = await payer.node.balance(Address(wallet), head.hash)
    target, cap = baker.target_balance or NO_MUTEZ, baker.top_up_cap or NO_MUTEZ
    if not is_low(balance, target, owed):
        return TopUpLook()
    amount = top_up_amount(balance, target=target, owed=owed, spent=spent, cap=cap)
    trouble = await _trouble(payer, baker, head, amount, spent)
    if trouble is not None:
        return TopUpLook(trouble=trouble)
    return await _enter(payer, baker, head, amount)


async def _trouble(
    payer: Payer, baker: Baker, head: BlockHeader, amount: Mutez, spent: Mutez
) -> str | None:
    if amount == 0:
        return (
            f"{baker.payout_address} is low, but {format_tez(spent)} tez were topped up today "
            f"(UTC), and no more than {format_tez(baker.top_up_cap or NO_MUTEZ)} may be"
        )
    funding = Address(baker.funding_address or "")
    try:
        await payer.signers.of(funding)
    except SignerError as error:
        return f"{baker.payout_address} is low, but its funding wallet cannot sign: {error.message}"
    held = await payer.node.balance(funding, head.hash)
    if held < amount + _LEFT_FOR_COSTS:
        return (
            f"{baker.payout_address} is low by {format_tez(amount)} tez, but its funding wallet "
            f"{funding} holds {format_tez(held)} tez"
        )
    return None


async def _enter(
    payer: Payer, baker: Baker, head: BlockHeader, amount: Mutez
) -> ManualTransfer | TopUpLook:
    new = NewManualTransfer(
        network=baker.network,
        baker_id=baker.baker_id,
        origin=ManualOrigin.TOP_UP,
        idempotence_key=checked_key(None),
        source=baker.funding_address or "",
        destination=baker.payout_address,
        amount=amount,
        actor="bakehouse",
        why=f"the payout wallet is below its target of {baker.target_balance} mutez",
        ordered_level=max(0, head.level - FINALITY_BLOCKS),
        # What the funding wallet owes, if it is a payout wallet too, it keeps.
        spends_owed=False,
    )
    try:
        async with payer.ledger.write() as tx:
            if head.level < await manual_transfers.last_done_level(tx, baker.baker_id, new.origin):
                # Another process has topped it up since the balance was read.
                return TopUpLook()
            ordered = await manual_transfers.order(tx, new, at=payer.clock())
    except IntegrityError:
        # Another process found the wallet low at the same time: there is one top-up, theirs.
        return TopUpLook()
    failpoint(Failpoint.AFTER_ORDER)
    return ordered
