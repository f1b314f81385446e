"""`bakehouse status`: where every baker stands, with a running Bakehouse or without one."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any, Final

import httpx2
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bakehouse.cli.exit_codes import DONE, WAITS
from bakehouse.cli.ledger_access import with_ledger
from bakehouse.cli.output import AsJson, print_json, waiting
from bakehouse.config import Config, load_config
from bakehouse.errors import SourceError
from bakehouse.ledger.distributions import Distribution
from bakehouse.logs import configure_logs
from bakehouse.opening import open_payer
from bakehouse.payments.standing import Standing, WalletStanding, standings, wallet_standing
from bakehouse.rewards.money import format_tez

app: Final = typer.Typer(add_completion=False)

_HEALTH_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Wallet:
    """What a node says of a baker's wallet, or why it does not."""

    standing: WalletStanding | None
    trouble: str | None


@app.command()
def status(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 3 when something waits for a person.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell for each baker what was paid last, what is under way, what waits, and what is left.

    Reads the ledger; balances come from the node, if one is set and answers.
    """
    config = load_config()
    configure_logs(config.log_format, "critical")
    bakers = with_ledger(standings)
    with waiting("asking the node"):
        is_running, wallets = asyncio.run(_look(config, bakers))
    if as_json:
        rows = [_document(each, wallets[each.baker.payout_address]) for each in bakers]
        print_json({"running": is_running, "network": config.network, "bakers": rows})
    else:
        _write(config, bakers, wallets, is_running=is_running)
    raise typer.Exit(WAITS if check and any(map(_waits, bakers)) else DONE)


async def _look(config: Config, bakers: Sequence[Standing]) -> tuple[bool, dict[str, _Wallet]]:
    async with AsyncExitStack() as stack:
        is_running = await _is_running(config)
        addresses = {each.baker.payout_address for each in bakers}
        if not (config.node_urls and config.indexer_urls):
            return is_running, {each: _Wallet(None, "no node is set") for each in addresses}
        payer = await open_payer(stack, config, with_keys=False)
        wallets: dict[str, _Wallet] = {}
        for address in addresses:
            try:
                wallets[address] = _Wallet(await wallet_standing(payer, address), None)
            except SourceError as error:
                wallets[address] = _Wallet(None, error.message)
        return is_running, wallets


async def _is_running(config: Config) -> bool:
    """Whether something that serves the health of a Bakehouse listens where ours would."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)  # noqa: S104 - compared
    url = httpx2.URL(scheme="http", host=host, port=config.port, path="/health")
    try:
        async with httpx2.AsyncClient(timeout=_HEALTH_SECONDS, trust_env=False) as client:
            answer = (await client.get(url)).json()
    except (httpx2.HTTPError, ValueError):
        return False
    return isinstance(answer, dict) and answer.get("status") == "ok"


def _waits(standing: Standing) -> bool:
    return bool(standing.failed or standing.held or standing.alerts)


def _write(
    config: Config,
    bakers: Sequence[Standing],
    wallets: dict[str, _Wallet],
    *,
    is_running: bool,
) -> None:
    console = Console(highlight=False)
    state = "is running" if is_running else "is not running"
    console.print(f"Bakehouse {state} here, for {config.network}.", markup=False)
    if not bakers:
        console.print("No baker is registered: begin with `bakehouse init`.", markup=False)
        return
    table = Table("baker", "mode", "last cycle", "under way", "waits", "wallet", box=SIMPLE)
    for each in bakers:
        wallet = wallets[each.baker.payout_address]
        table.add_row(*_cells(each, wallet))
    console.print(table)
    for line in (line for each in bakers for line in _attention(each)):
        console.print(line, markup=False, soft_wrap=True)


def _cells(standing: Standing, wallet: _Wallet) -> tuple[str, ...]:
    baker, last = standing.baker, standing.last_settled
    under_way = [
        f"{each.distribution.key.cycle}: {each.paid} of {each.total}" for each in standing.under_way
    ]
    return (
        baker.alias or baker.baker_id,
        baker.mode.value,
        "-" if last is None else str(last.key.cycle),
        "\n".join(under_way) or "-",
        str(len(standing.open)) if standing.open else "-",
        _balance(standing, wallet),
    )


def _balance(standing: Standing, wallet: _Wallet) -> str:
    if wallet.standing is None:
        return f"unknown: {wallet.trouble}"
    covered = standing.cycles_covered(wallet.standing.balance)
    lasts = "" if covered is None else f", {covered} cycles"
    return f"{format_tez(wallet.standing.balance)} tez{lasts}"


def _attention(standing: Standing) -> Iterable[str]:
    baker_id, name = standing.baker.baker_id, standing.baker.alias or standing.baker.baker_id
    for failed in standing.failed:
        key = failed.key
        yield (
            f"{name}: cycle {key.cycle} ({key.kind.value}) failed: {failed.message}. Then "
            f"`bakehouse retry {baker_id} {key.cycle} --why …`"
        )
    if standing.held:
        yield (
            f"{name}: {len(standing.held)} payouts are held, {format_tez(standing.held_total)} "
            f"tez: `bakehouse held {baker_id}`"
        )
    count, total = standing.carried
    if count:
        yield f"{name}: {count} payouts wait for a later cycle, {format_tez(total)} tez"
    for alert in standing.alerts:
        yield f"{name}: {alert.message}"


def _document(standing: Standing, wallet: _Wallet) -> dict[str, Any]:
    baker, last, held = standing.baker, standing.last_settled, wallet.standing
    return {
        "baker": baker.baker_id,
        "alias": baker.alias,
        "mode": baker.mode.value,
        "last_settled_cycle": None if last is None else last.key.cycle,
        "under_way": [
            {**_name(each.distribution), "paid": each.paid, "payouts": each.total}
            for each in standing.under_way
        ],
        "open": [_name(each) for each in standing.open],
        "failed": [{**_name(each), "message": each.message} for each in standing.failed],
        "held": {"payouts": len(standing.held), "total": str(standing.held_total)},
        "carried": {"payouts": standing.carried[0], "total": str(standing.carried[1])},
        "alerts": [{"code": each.code, "message": each.message} for each in standing.alerts],
        "wallet": {
            "address": baker.payout_address,
            "balance": None if held is None else str(held.balance),
            "is_revealed": None if held is None else held.is_revealed,
            "cycles_covered": None if held is None else standing.cycles_covered(held.balance),
            "trouble": wallet.trouble,
        },
    }


def _name(distribution: Distribution) -> dict[str, Any]:
    return {
        "cycle": distribution.key.cycle,
        "kind": distribution.key.kind.value,
        "state": distribution.state.value,
    }
