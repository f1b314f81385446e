"""`bakehouse doctor`: everything that payments need, looked at, with what to do about it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import httpx2
import typer
from rich.console import Console
from rich.text import Text

from bakehouse.cli.checks.bakers import check_bakers
from bakehouse.cli.checks.chain import check_chain
from bakehouse.cli.checks.channels import check_channels
from bakehouse.cli.checks.finding import Finding, Verdict, fail
from bakehouse.cli.checks.machine import check_machine
from bakehouse.cli.checks.remote_signer import check_remote_signer
from bakehouse.cli.checks.secret_key import check_secret_key
from bakehouse.cli.checks.services import check_services
from bakehouse.cli.exit_codes import DONE, REFUSED
from bakehouse.cli.output import AsJson, print_json, waiting
from bakehouse.cli.passphrase import passphrase_for_keys
from bakehouse.config import Config, load_config
from bakehouse.errors import BakehouseError
from bakehouse.ledger.database import Ledger
from bakehouse.logs import configure_logs
from bakehouse.opening import open_payer

app: Final = typer.Typer(add_completion=False)

_STYLES: Final = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


@app.command()
def doctor(*, as_json: AsJson = False) -> None:
    """Check machine, ledger, queue, sources, wallets, rules, hooks and channels; say what to do.

    Exit code 1 when something fails. Nothing is signed or sent.
    """
    config = load_config()
    configure_logs(config.log_format, "critical")
    passphrase = passphrase_for_keys(config)
    with waiting("looking"):
        findings = asyncio.run(_look(config, passphrase))
    if as_json:
        print_json({"findings": [_document(each) for each in findings]})
    else:
        _write(findings)
    failed = any(each.verdict is Verdict.FAIL for each in findings)
    raise typer.Exit(REFUSED if failed else DONE)


async def _look(config: Config, passphrase: str | None) -> list[Finding]:
    findings = [*check_machine(config), *check_secret_key(config)]
    findings += [each async for each in check_services(config)]
    async with httpx2.AsyncClient() as client:
        findings += [each async for each in check_chain(config, client)]
        findings += [each async for each in check_remote_signer(config, client)]
    # What cannot be opened or be believed is not looked into.
    has_ledger = not any(
        each.subject == "ledger" and each.verdict is Verdict.FAIL for each in findings
    )
    if has_ledger:
        findings += [each async for each in _channels(config)]
    can_ask = bool(config.node_urls and config.indexer_urls)
    if can_ask and has_ledger:
        findings += [each async for each in _bakers(config, passphrase)]
    return findings


async def _channels(config: Config) -> AsyncIterator[Finding]:
    ledger = await Ledger.open(config.ledger_url)
    try:
        async for finding in check_channels(ledger, config.secret_key):
            yield finding
    finally:
        await ledger.close()


async def _bakers(config: Config, passphrase: str | None) -> AsyncIterator[Finding]:
    async with AsyncExitStack() as stack:
        has_keys = True
        try:
            payer = await open_payer(stack, config, passphrase=passphrase)
        except BakehouseError as error:
            yield fail("keys", error.message, "see docs/wallets.md")
            has_keys = False
            payer = await open_payer(stack, config, with_keys=False)
        async for finding in check_bakers(payer, config.secret_key, has_keys=has_keys):
            yield finding


def _write(findings: Sequence[Finding]) -> None:
    console = Console(highlight=False)
    width = max(len(each.subject) for each in findings)
    for each in findings:
        line = Text.assemble(
            (f"{each.verdict:<4}", _STYLES[each.verdict]), f"  {each.subject:<{width}}  {each.seen}"
        )
        console.print(line, soft_wrap=True)
        if each.advice is not None:
            console.print(Text(f"{'':<{width + 8}}→ {each.advice}"), soft_wrap=True)
    bad = sum(each.verdict is Verdict.FAIL for each in findings)
    doubtful = sum(each.verdict is Verdict.WARN for each in findings)
    console.print(f"{len(findings)} checks: {bad} fail, {doubtful} warn", markup=False)


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "subject": finding.subject,
        "verdict": finding.verdict.value,
        "seen": finding.seen,
        "advice": finding.advice,
    }
