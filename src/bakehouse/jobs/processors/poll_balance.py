"""The job `poll-balance`: read the payout wallet's balance and cache it. An error is never a 0."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import close_alerts, holds
from bakehouse.alerts.rules import wallet_low
from bakehouse.jobs import job_requests
from bakehouse.jobs.by_hand import go_on_topping_up
from bakehouse.jobs.job_run import Processor
from bakehouse.jobs.job_types import JSON, RunningJob
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers, manual_transfers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.cycle_costs import expected_costs
from bakehouse.ledger.states import ManualOrigin, Mode
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import Address

#: A balance older than this says nothing; half a day of missed polls is an outage.
_KEPT_SECONDS = 12 * 3600

_TOP_UP = ManualOrigin.TOP_UP


@dataclass(frozen=True, slots=True)
class KnownBalance:
    """A wallet's balance (mutez) as of a block."""

    balance: Mutez
    level: int
    at: str


def poll_balance(workshop: Workshop) -> Processor:
    """Make the processor; what cannot be read raises, and the old value ages in peace."""

    async def process(job: RunningJob) -> JSON:
        baker_id = job_requests.baker_of(job.data)
        async with workshop.payer.ledger.read() as tx:
            baker = await bakers.get(tx, baker_id)
            ordered = await manual_transfers.open_of(tx, baker_id)
            need = await _need(tx, baker)
        head = await workshop.payer.node.recent.head()
        balance = await workshop.payer.node.balance(Address(baker.payout_address), head.hash)
        known: JSON = {
            "address": baker.payout_address,
            # A string: JSON numbers beyond 2^53 do not survive every reader.
            "balance": str(balance),
            "level": head.level,
            "at": workshop.payer.clock().isoformat(),
        }
        await workshop.cache.set(_key(baker_id), known, _KEPT_SECONDS)
        message = wallet_low(baker.payout_address, balance, need)
        is_topped_up = baker.is_topped_up or any(each.origin is _TOP_UP for each in ordered)
        await _tell(workshop.payer, baker_id, message, is_topped_up=is_topped_up)
        return known

    return process


async def known_balance(workshop: Workshop, baker_id: str) -> KnownBalance | None:
    """Give the last balance read for a baker, or None when none is known."""
    return _known(await workshop.cache.get(_key(baker_id)))


async def known_balances(
    workshop: Workshop, baker_ids: Sequence[str]
) -> dict[str, KnownBalance | None]:
    """Give the last balance read for each of these bakers, None where none is known."""
    values = await workshop.cache.get_many([_key(each) for each in baker_ids])
    return {each: _known(value) for each, value in zip(baker_ids, values, strict=True)}


def _known(value: JSON) -> KnownBalance | None:
    match value:
        case {"balance": str(balance), "level": int(level), "at": str(at)}:
            return KnownBalance(Mutez(int(balance)), level, at)
        case _:
            return None


async def _tell(payer: Payer, baker_id: str, message: str | None, *, is_topped_up: bool) -> None:
    if message is None and not is_topped_up:
        # So it is with nearly all of them: one look at the ledger has to do.
        quiet = (AlertCode.WALLET_LOW, AlertCode.TOP_UP_FAILED)
        await close_alerts(payer, quiet, baker_id)
        return
    await holds(payer, AlertCode.WALLET_LOW, baker_id, message, baker_id=baker_id)
    await go_on_topping_up(payer, baker_id)


async def _need(tx: AsyncConnection, baker: Baker) -> Mutez | None:
    if baker.mode is not Mode.ON:
        return None
    cost = (await expected_costs(tx, baker.baker_id)).get(baker.baker_id)
    # What is paid at once is all cycles since the last that paid.
    return None if cost is None else Mutez(cost * baker.payout_interval)


def _key(baker_id: str) -> str:
    return f"balance:{baker_id}"
