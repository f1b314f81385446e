"""Each registered baker: is it one, can its wallets sign, and do they hold enough."""

from collections.abc import AsyncIterator

from bakehouse.cli.checks.finding import Finding, fail, ok, warn
from bakehouse.cli.checks.hooks import check_hooks
from bakehouse.cli.checks.rules import check_rules
from bakehouse.errors import BakehouseError, SignerError, SourceError
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.states import Mode
from bakehouse.payments.payer import Payer
from bakehouse.payments.standing import Standing, standings, wallet_standing
from bakehouse.rewards.money import NO_MUTEZ, format_tez
from bakehouse.secret_box import SecretKeyFile
from bakehouse.tezos.address import Address


async def check_bakers(
    payer: Payer, secret_key: SecretKeyFile, *, has_keys: bool
) -> AsyncIterator[Finding]:
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
            yield await _signer(payer, f"signer of {name}", standing.baker)
        async for finding in _funding(payer, name, standing.baker, has_keys=has_keys):
            yield finding
        async for finding in check_rules(payer, standing, name):
            yield finding
        async for finding in check_hooks(payer.ledger, secret_key, standing.baker.baker_id, name):
            yield finding


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


async def _signer(payer: Payer, subject: str, baker: Baker) -> Finding:
    try:
        signer = await payer.signers.of(Address(baker.payout_address))
    except SignerError as error:
        verdict = fail if baker.mode is Mode.ON else warn
        return verdict(subject, error.message, "see docs/wallets.md")
    return ok(subject, f"signs for {signer.address}")


async def _funding(
    payer: Payer, name: str, baker: Baker, *, has_keys: bool
) -> AsyncIterator[Finding]:
    """Look at the wallet that tops up, where one is set: its key, and what it holds."""
    if baker.funding_address is None:
        return
    subject, wallet = f"funding wallet of {name}", Address(baker.funding_address)
    if not baker.is_topped_up:
        yield warn(
            subject,
            f"{wallet} is set, and the payout wallet is not topped up",
            "set target_balance and top_up_cap as well, or leave funding_address out",
        )
        return
    try:
        if has_keys:
            await payer.signers.of(wallet)
        held = await payer.node.balance(wallet)
    except SignerError as error:
        yield fail(subject, error.message, "see docs/wallets.md")
        return
    except SourceError as error:
        yield fail(subject, error.message, "see the nodes above")
        return
    target = baker.target_balance or NO_MUTEZ
    seen = f"{wallet}, {format_tez(held)} tez"
    if held < target:
        fund = f"fund it: `bakehouse wallet qr {wallet}`"
        yield warn(subject, f"{seen}: less than target_balance, {format_tez(target)} tez", fund)
        return
    yield ok(subject, f"{seen}, up to {format_tez(baker.top_up_cap or NO_MUTEZ)} tez a day")
