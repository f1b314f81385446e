"""`bakehouse pay`: cycles paid to their end in this process; safe beside a running Bakehouse."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from bakehouse.app import utc_now
from bakehouse.cli.exit_codes import BUSY, DONE, FAILED, NOTHING, REFUSED, WAITS
from bakehouse.cli.ledger_access import actor, with_payer
from bakehouse.cli.output import AsJson, paying, tell
from bakehouse.cli.passphrase import passphrase_for_keys
from bakehouse.cli.pay_run import Outcome, PayRun, Run
from bakehouse.cli.pay_text import document_of, lines_of, payment_document
from bakehouse.config import load_config
from bakehouse.errors import InputError, RefusalError, SourceError
from bakehouse.ledger import bakers
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments.controls import Decision
from bakehouse.payments.pay_now import due_cycle
from bakehouse.payments.payer import Payer
from bakehouse.payments.pending import (
    Month,
    cycles_in_month,
    parse_month,
    pending,
    take_up_failed,
)
from bakehouse.tezos.address import Address, parse_implicit

app: Final = typer.Typer(add_completion=False)

#: How long to wait for another process, or for a source that does not answer.
_PATIENCE_SECONDS: Final = 600

_SPAN: Final = re.compile(r"(\d{1,9})(?:\.\.(\d{1,9}))?", re.ASCII)

_CODES: Final = {
    Outcome.NOTHING: DONE,
    Outcome.PAID: DONE,
    Outcome.BUSY: BUSY,
    Outcome.HELD: WAITS,
    Outcome.FAILED: FAILED,
    Outcome.REFUSED: REFUSED,
}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be paid: exactly one of these."""

    cycles: range | None
    month: Month | None
    pending: bool
    one: bool
    failed: bool

    @property
    def is_single(self) -> bool:
        """Whether one cycle was named."""
        return self.cycles is not None and len(self.cycles) == 1

    def __str__(self) -> str:
        if self.cycles is not None:
            first, last = self.cycles[0], self.cycles[-1]
            return f"cycle {first}" if self.is_single else f"cycles {first} to {last}"
        if self.month is not None:
            return f"the cycles that ended in {self.month}"
        return "what failed" if self.failed else "the oldest due cycle" if self.one else "all due"


@app.command()
def pay(  # noqa: PLR0913 - a parameter is an option of the command
    baker: Annotated[
        str | None,
        typer.Argument(metavar="[BAKER]", help="The baker's address; every baker that is on."),
    ] = None,
    *,
    cycle: Annotated[
        str | None, typer.Option("--cycle", metavar="N|A..B", help="This cycle, or these.")
    ] = None,
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="YYYY-MM", help="The cycles that ended in it (UTC)."),
    ] = None,
    pending_: Annotated[bool, typer.Option("--pending", help="All that is due.")] = False,
    one: Annotated[bool, typer.Option("--one", help="The oldest that is due.")] = False,
    failed: Annotated[
        bool, typer.Option("--failed", help="What failed, taken up again by your word.")
    ] = False,
    patience: Annotated[
        int,
        typer.Option(
            min=0, metavar="SECONDS", help="How long to wait for another process, or a source."
        ),
    ] = _PATIENCE_SECONDS,
    detailed_exit_code: Annotated[
        bool, typer.Option("--detailed-exit-code", help="Exit with 6 when nothing was to be done.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")] = False,
    as_json: AsJson = False,
) -> None:
    """Pay now, delegators and then the bond pool, wait until the blocks are final, and exit.

    Exit code 0: paid, or nothing was due; 1: refused, or a source failed; 3: something is held, or
    waits for a person; 4: something failed before and was left; 5: another process is at work.
    Stop it with Ctrl-C at any time: what was signed is in the ledger, and is never signed twice.
    """
    wish = _wish(cycle, month, pending_=pending_, one=one, failed=failed)
    address = None if baker is None else parse_implicit(baker)
    if address is None and (wish.cycles is not None or wish.month is not None):
        raise InputError("say whose cycles these are: name the baker")
    if not yes and sys.stdin.isatty():
        whose = address or "every baker that is on"
        typer.confirm(f"Pay {wish} of {whose} now?", abort=True, err=True)

    async def work(payer: Payer) -> list[Run]:
        with paying() as progress:
            paid = PayRun(payer, progress, patience, raises=wish.is_single)
            return [await _pay(paid, each, wish) for each in await _bakers(payer, address)]

    passphrase = passphrase_for_keys(load_config())
    runs = with_payer(work, with_keys=True, passphrase=passphrase)
    outcome = max((run.outcome for run in runs), default=Outcome.NOTHING)
    _tell(runs, wish, outcome, as_json=as_json)
    code = _CODES[outcome]
    is_idle = outcome is Outcome.NOTHING
    raise typer.Exit(NOTHING if is_idle and detailed_exit_code else code)


async def _pay(paid: PayRun, baker_id: str, wish: _Wish) -> Run:
    run = Run(baker_id)
    try:
        await _choose_and_pay(paid, run, wish)
    except (RefusalError, SourceError) as error:
        if wish.is_single:
            raise
        # One baker's trouble must not keep others waiting.
        run.trouble = error.message
    return run


async def _choose_and_pay(paid: PayRun, run: Run, wish: _Wish) -> None:
    payer, baker_id = paid.payer, run.baker_id
    if wish.cycles is not None or wish.month is not None:
        await paid.pay(run, await _named(payer, run, wish), refails=False)
        return
    found = await pending(payer, baker_id)
    if wish.failed:
        by = Decision(actor(), "taken up by `bakehouse pay --failed`", payer.clock())
        await paid.pay(run, await take_up_failed(payer, found.failed, by), refails=True)
        return
    await paid.finish_orders(run)
    run.failed = found.failed
    due = found.due
    if wish.one and due:
        due = tuple(key for key in due if key.cycle == due[0].cycle)
    await paid.pay(run, due, refails=False)


async def _named(payer: Payer, run: Run, wish: _Wish) -> list[DistributionKey]:
    """Give the cycles that were named, but for those that failed: they are told of."""
    cycles: Sequence[int] = wish.cycles or ()
    if wish.month is not None:
        cycles = await cycles_in_month(payer, run.baker_id, wish.month)
    if not wish.is_single:
        found = await pending(payer, run.baker_id)
        run.failed = tuple(key for key in found.failed if key.cycle in cycles)
    left_out = {key.cycle for key in run.failed if key.kind is DistributionKind.DELEGATORS}
    return [await due_cycle(payer, run.baker_id, each) for each in cycles if each not in left_out]


async def _bakers(payer: Payer, address: Address | None) -> list[str]:
    async with payer.ledger.read() as tx:
        if address is not None:
            return [(await bakers.get(tx, address)).baker_id]
        return [each.baker_id for each in await bakers.everyone(tx) if each.mode is Mode.ON]


def _wish(
    cycle: str | None, month: str | None, *, pending_: bool, one: bool, failed: bool
) -> _Wish:
    chosen = [cycle is not None, month is not None, pending_, one, failed]
    if chosen.count(True) != 1:
        raise InputError("say what to pay: one of --cycle, --month, --pending, --one and --failed")
    return _Wish(
        None if cycle is None else _span(cycle),
        None if month is None else parse_month(month),
        pending_,
        one,
        failed,
    )


def _span(text: str) -> range:
    match = _SPAN.fullmatch(text)
    first = int(match[1]) if match else 0
    last = int(match[2] or first) if match else -1
    if last < first:
        raise InputError(f"{text!r} is neither a cycle nor a span of cycles such as 750..755")
    return range(first, last + 1)


def _tell(runs: Sequence[Run], wish: _Wish, outcome: Outcome, *, as_json: bool) -> None:
    if wish.is_single:
        (run,), cycles = runs, wish.cycles or range(0)
        document = {
            "baker": run.baker_id,
            "cycle": cycles[0],
            "outcome": outcome.name.lower(),
            "payments": [payment_document(each) for each in run.ended],
        }
        tell("\n".join(lines_of(run)), document, as_json=as_json)
        return
    lines = [
        f"{run.baker_id}: {line}" if len(runs) > 1 else line
        for run in runs
        for line in lines_of(run)
    ]
    document = {
        "at": utc_now().isoformat(),
        "outcome": outcome.name.lower(),
        "bakers": [document_of(run) for run in runs],
    }
    tell("\n".join(lines) or "nothing to do", document, as_json=as_json)
