"""Each registered baker: is it one, can its wallet sign, and does it hold enough."""

from collections.abc import AsyncIterator

from bakehouse.cli.checks.finding import Finding, fail, ok, warn
from bakehouse.errors import BakehouseError, SignerError
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.states import Mode
from bakehouse.payments.payer import Payer
from bakehouse.payments.standing import Standing, standings, wallet_standing
from bakehouse.rewards.money import format_tez
from bakehouse.tezos.address import Address


async def check_bakers(payer: Payer, *, has_keys: bool) -> AsyncIterator[Finding]:
    """Look at every baker; `has_keys` tells whether key files could be opened."""
    everyone = await standings(payer.ledger)
    if not everyone:
        yield warn("bakers", "none is registered", "begin with `bakehouse init`")
    for standing in everyone:
        name = standing.baker.alias or standing.baker.baker_id
        try:
            yield await _baker(payer, name, standing.baker)
            yield await _wallet(payer, name, standing)
        except BakehouseError as error:
            yield fail(f"baker {name}", error.message, "see the nodes above")
        if has_keys:
            yield await _signer(payer, name, standing.baker)


async def _baker(payer: Payer, name: str, baker: Baker) -> Finding:
    subject = f"baker {name}"
    if not await payer.node.is_baker(Address(baker.baker_id)):
        return fail(subject, "no registered baker on this chain", "check address and network")
    return ok(subject, f"registered on the chain, mode {baker.mode}")


async def _wallet(payer: Payer, name: str, standing: Standing) -> Finding:
    wallet = await wallet_standing(payer, standing.baker.payout_address)
    subject, seen = f"wallet of {name}", f"{wallet.address}, {format_tez(wallet.balance)} tez"
    covered = standing.cycles_covered(wallet.balance)
    if covered == 0 or not wallet.balance:
        verdict = fail if standing.baker.mode is Mode.ON else warn
        fund = f"fund it: `bakehouse wallet qr {wallet.address}`"
        return verdict(subject, f"{seen}: not enough for a cycle", fund)
    lasts = "" if covered is None else f", for {covered} cycles"
    revealed = "" if wallet.is_revealed else "; its key is revealed with the first payout"
    return ok(subject, f"{seen}{lasts}{revealed}")


async def _signer(payer: Payer, name: str, baker: Baker) -> Finding:
    subject = f"signer of {name}"
    try:
        signer = await payer.signers.of(Address(baker.payout_address))
    except SignerError as error:
        verdict = fail if baker.mode is Mode.ON else warn
        return verdict(subject, error.message, "see docs/wallets.md")
    return ok(subject, f"signs for {signer.address}")
