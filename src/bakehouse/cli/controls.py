"""What a person decides about payments, from the terminal; beside a running Bakehouse or without.

Each command writes one decision with its reason to the ledger. Whoever pays sees it at the next
step.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Final, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.cli.ledger_access import BakerArgument, actor, with_ledger
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.ledger import bakers, distributions, payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionKind, Mode, PayoutState
from bakehouse.opening import utc_now
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from bakehouse.rewards.money import format_tez
from bakehouse.tezos.address import parse_implicit, parse_recipient

Result = TypeVar("Result")

Cycle = Annotated[int, typer.Argument(metavar="CYCLE", min=0, help="The cycle paid for.")]
Why = Annotated[str, typer.Option("--why", help="The reason; it is kept in the audit trail.")]
BondPool = Annotated[
    bool, typer.Option("--bond-pool", help="The bond pool's payments, not the delegators'.")
]
Whom = Annotated[
    str | None,
    typer.Argument(metavar="[ADDRESS]", help="Whom it is owed to; without it, all held ones."),
]
OperationHash = Annotated[str, typer.Argument(metavar="HASH", help="The operation's hash.")]


def _pause(baker: BakerArgument, why: Why, *, as_json: AsJson = False) -> None:
    """Switch a baker off at once: nothing is signed or sent for it any more, neither again."""
    _decide(lambda tx, by: controls.pause(tx, parse_implicit(baker), by), why)
    tell(
        f"{baker} is off: nothing is signed or sent. What is in a block already stays there, and "
        "what was sent before may still come into one. `bakehouse baker set … mode=on` goes on",
        {"baker": baker, "mode": Mode.OFF.value},
        as_json=as_json,
    )


def _go(
    baker: BakerArgument,
    cycle: Cycle,
    why: Why,
    *,
    bond_pool: BondPool = False,
    as_json: AsJson = False,
) -> None:
    """Let the first cycle that a baker pays go."""
    _decide(_about(controls.approve, baker, cycle, bond_pool=bond_pool), why)
    tell(
        f"cycle {cycle} may go: a running Bakehouse takes it up within a minute",
        {"baker": baker, "cycle": cycle, "decision": "go"},
        as_json=as_json,
    )


def _retry(
    baker: BakerArgument,
    cycle: Cycle,
    why: Why,
    *,
    bond_pool: BondPool = False,
    as_json: AsJson = False,
) -> None:
    """Have a failed cycle taken up again; only what is not paid yet will be paid."""
    _decide(_about(controls.retry, baker, cycle, bond_pool=bond_pool), why)
    tell(
        f"cycle {cycle} will be tried again: a running Bakehouse does within a minute",
        {"baker": baker, "cycle": cycle, "decision": "retry"},
        as_json=as_json,
    )


def _hold(  # noqa: PLR0913 - a parameter is an option of the command
    baker: BakerArgument,
    cycle: Cycle,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whom it is owed to.")],
    why: Why,
    *,
    bond_pool: BondPool = False,
    as_json: AsJson = False,
) -> None:
    """Keep back what a cycle owes somebody, until it is released or dropped."""
    hold = partial(controls.hold, owed_to=parse_recipient(address))
    count = _decide(_about(hold, baker, cycle, bond_pool=bond_pool), why)
    tell(f"{count} payouts are held", _counted(baker, cycle, "hold", count), as_json=as_json)


def _release(  # noqa: PLR0913 - a parameter is an option of the command
    baker: BakerArgument,
    cycle: Cycle,
    why: Why,
    address: Whom = None,
    *,
    bond_pool: BondPool = False,
    as_json: AsJson = False,
) -> None:
    """Let held payouts of a cycle be paid after all."""
    release = partial(controls.release, owed_to=_recipient(address))
    count = _decide(_about(release, baker, cycle, bond_pool=bond_pool), why)
    tell(f"{count} payouts will be paid", _counted(baker, cycle, "release", count), as_json=as_json)


def _drop(  # noqa: PLR0913 - a parameter is an option of the command
    baker: BakerArgument,
    cycle: Cycle,
    why: Why,
    address: Whom = None,
    *,
    bond_pool: BondPool = False,
    as_json: AsJson = False,
) -> None:
    """Never pay held payouts of a cycle, because they were settled otherwise, say."""
    drop = partial(controls.drop, owed_to=_recipient(address))
    count = _decide(_about(drop, baker, cycle, bond_pool=bond_pool), why)
    tell(
        f"{count} payouts will never be paid",
        _counted(baker, cycle, "drop", count),
        as_json=as_json,
    )


def _held(baker: BakerArgument, *, as_json: AsJson = False) -> None:
    """List the payouts of a baker that are held back, each with its reason."""

    async def read(ledger: Ledger) -> list[Payout]:
        async with ledger.read() as tx:
            address = (await bakers.get(tx, parse_implicit(baker))).baker_id
            return await payouts.of_baker(tx, address, PayoutState.HELD)

    held = with_ledger(read)
    if as_json:
        print_json({"baker": baker, "held": [_payout(each) for each in held]})
        return
    for payout in held:
        typer.echo(
            f"cycle {payout.cycle}  {payout.owed_to}  {format_tez(payout.net)} tez  "
            f"({payout.kind})\n  {payout.reason}"
        )
    typer.echo(f"{len(held)} payouts are held")


def _cancel(operation: OperationHash, why: Why, *, as_json: AsJson = False) -> None:
    """Make an operation that is in no block yet impossible, by paying oneself with its counters."""
    _decide(lambda tx, by: controls.request_cancel(tx, operation, by), why)
    tell(
        "asked for: a running Bakehouse sends a transfer to itself with the same counters and a "
        "better fee. Whichever is in a block first, blocks will tell. To keep the payouts from "
        "being signed anew after that, pause the baker",
        {"operation": operation, "decision": "cancel"},
        as_json=as_json,
    )


def _declare_dead(operation: OperationHash, why: Why, *, as_json: AsJson = False) -> None:
    """Take it on yourself that a quarantined operation is in no block; its payouts are held."""
    count = _decide(lambda tx, by: controls.declare_dead(tx, operation, by), why)
    tell(
        f"{count} payouts are held now: release or drop each",
        {"operation": operation, "decision": "declare-dead", "payouts": count},
        as_json=as_json,
    )


def _command(function: Callable[..., None]) -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command()(function)
    return app


pause: Final = _command(_pause)
go: Final = _command(_go)
retry: Final = _command(_retry)
held: Final = _command(_held)
hold: Final = _command(_hold)
release: Final = _command(_release)
drop: Final = _command(_drop)
cancel: Final = _command(_cancel)
declare_dead: Final = _command(_declare_dead)


def _decide(decide: Callable[[AsyncConnection, Decision], Awaitable[Result]], why: str) -> Result:
    by = Decision(actor(), why, utc_now())

    async def work(ledger: Ledger) -> Result:
        async with ledger.write() as tx:
            return await decide(tx, by)

    return with_ledger(work)


def _about(
    decide: Callable[[AsyncConnection, DistributionKey, Decision], Awaitable[Result]],
    baker: str,
    cycle: int,
    *,
    bond_pool: bool,
) -> Callable[[AsyncConnection, Decision], Awaitable[Result]]:
    """Make a decision about a baker's cycle, which is looked up when it is taken."""

    async def decide_about(tx: AsyncConnection, by: Decision) -> Result:
        kind = DistributionKind.BOND_POOL if bond_pool else DistributionKind.DELEGATORS
        registered = await bakers.get(tx, parse_implicit(baker))
        key = DistributionKey(registered.network, registered.baker_id, cycle, kind, Mode.ON)
        return await decide(tx, (await distributions.get(tx, key)).key, by)

    return decide_about


def _counted(baker: str, cycle: int, decision: str, count: int) -> dict[str, Any]:
    return {"baker": baker, "cycle": cycle, "decision": decision, "payouts": count}


def _payout(payout: Payout) -> dict[str, Any]:
    return {
        "cycle": payout.cycle,
        "kind": payout.kind,
        "owed_to": payout.owed_to,
        "net": str(payout.net),
        "reason": payout.reason,
    }


def _recipient(address: str | None) -> str | None:
    return None if address is None else parse_recipient(address)
