"""Moving in, step by step: look at what it would do, then do just that. Opens nothing itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import InputError, RefusalError
from bakehouse.importers.chain import search
from bakehouse.importers.checking import Checked, check, unchecked
from bakehouse.importers.moving_in import MovingIn
from bakehouse.importers.writing import Deed, Written, write
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.payments.payer import Payer

#: More finished cycles than this, none of them closed, are not paid because of a default.
OPEN_CYCLES_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person says beside the files."""

    network: str
    actor: str
    at: datetime
    #: The first cycle to be paid here; None: the one after the last of the old history.
    first_cycle: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What moving in would do; nothing is done yet."""

    moving: MovingIn
    checked: tuple[Checked, ...]
    #: The wallets that were searched; none: the chain was not asked.
    wallets: tuple[str, ...]
    first_cycle: int
    #: The cycle that runs, by the indexer; None: it was not asked.
    current_cycle: int | None
    deed: Deed
    written: Written
    #: The baker as it is here already, whose settings stay; None: it is new.
    baker: Baker | None

    @property
    def payout_address(self) -> str:
        """Give the wallet that pays."""
        return _payout_address(self.moving, self.baker)

    @property
    def open_cycles(self) -> range | None:
        """Give finished cycles that would be paid once it is switched on; None: nobody knows."""
        if self.current_cycle is None or self.baker is not None:
            return None
        return range(self.first_cycle, max(self.first_cycle, self.current_cycle))


async def look_on_chain(payer: Payer, moving: MovingIn, choice: Choice) -> Look:
    """Hold the history against the chain, and find out what entering it would do.

    Raises SourceError when the chain cannot be read, RefusalError when more cycles would be open
    than anybody means, ConflictError and InputError for what the ledger would refuse.
    """
    baker = await _find(payer.ledger, moving)
    payments = moving.history.payments
    wallet = _payout_address(moving, baker)
    searched = await search(payer, choice.network, wallet, payments)
    head = await payer.indexer.head()
    found = tuple(check(payments, searched, moving.tool))
    first_cycle = _first_cycle(moving, choice, head.cycle)
    is_open = baker is None and head.cycle - first_cycle > OPEN_CYCLES_MAX
    if is_open and choice.first_cycle is None:
        raise RefusalError(
            f"cycle {head.cycle} runs, and the history ends with {first_cycle - 1}: "
            f"{head.cycle - first_cycle} cycles would be paid once the baker is switched on; say "
            f"which is the first, with --first-cycle"
        )
    deed = Deed(choice.network, choice.actor, choice.at, searched.to_level)
    written = await _try(payer.ledger, moving, found, first_cycle, deed)
    return Look(moving, found, searched.wallets, first_cycle, head.cycle, deed, written, baker)


async def look_offline(ledger: Ledger, moving: MovingIn, choice: Choice) -> Look:
    """Take the history at its word, and find out what entering it would do.

    Raises like `look_on_chain`, which is what to prefer.
    """
    baker = await _find(ledger, moving)
    found = tuple(unchecked(moving.history.payments, moving.tool))
    first_cycle = _first_cycle(moving, choice, None)
    deed = Deed(choice.network, choice.actor, choice.at, None)
    written = await _try(ledger, moving, found, first_cycle, deed)
    return Look(moving, found, (), first_cycle, None, deed, written, baker)


async def move_in(ledger: Ledger, look: Look) -> Written:
    """Enter what was looked at, in one transaction; raises like `writing.write`."""
    async with ledger.write() as tx:
        return await write(tx, look.moving, look.checked, look.first_cycle, look.deed)


async def _try(
    ledger: Ledger, moving: MovingIn, found: tuple[Checked, ...], first_cycle: int, deed: Deed
) -> Written:
    async with _taken_back(ledger) as tx:
        return await write(tx, moving, found, first_cycle, deed)


@asynccontextmanager
async def _taken_back(ledger: Ledger) -> AsyncIterator[AsyncConnection]:
    """Give a transaction of which nothing stays: what is shown is what would be done."""
    async with ledger.write() as tx:
        yield tx
        await tx.rollback()


async def _find(ledger: Ledger, moving: MovingIn) -> Baker | None:
    async with ledger.read() as tx:
        return await bakers.find(tx, moving.settings.baker_id)


def _payout_address(moving: MovingIn, baker: Baker | None) -> str:
    named = moving.settings.payout_address
    if named is not None:
        return named
    return moving.settings.baker_id if baker is None else baker.payout_address


def _first_cycle(moving: MovingIn, choice: Choice, current: int | None) -> int:
    last = moving.history.last_cycle
    wanted = choice.first_cycle
    if wanted is not None:
        closed = moving.history.closed
        if closed and wanted <= closed[-1]:
            raise InputError(
                f"first_cycle {wanted} is not after {closed[-1]}, the last cycle that "
                f"{moving.tool.label} has paid"
            )
        return wanted
    if last is not None:
        return last + 1
    if current is None:
        raise InputError("there is no history to go on from: say --first-cycle")
    return current
