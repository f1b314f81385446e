"""Taking a file of settings over: looked at first, then entered, all of it or nothing.

What it would change is found by entering it and taking that back, so that what is shown is what is
done. A file never switches a baker on.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.desk.settings_file.difference import Difference, differences
from bakehouse.desk.settings_file.document import BakerPart, SettingsFile
from bakehouse.desk.settings_file.effect import Effect, NoEffect, Question, effect_of, question_of
from bakehouse.desk.settings_file.entries import fees_in, member_in, rules_in, shares_in
from bakehouse.desk.settings_file.place import KeyPath
from bakehouse.desk.settings_file.reading import BOND_POOL, DELEGATORS, INCOME_SHARES
from bakehouse.desk.settings_file.state import BakerState, HouseState, read_state
from bakehouse.errors import ConflictError, InputError
from bakehouse.ledger import audit, bakers, payout_rules
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.ledger.states import Mode

#: What the audit trail calls a file that was taken over.
APPLIED: Final = "settings.applied"


@dataclass(frozen=True, slots=True)
class Deed:
    """Who takes a file over, when and why."""

    actor: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a file would change."""

    before: HouseState
    differences: tuple[Difference, ...]
    effects: tuple[Effect | NoEffect, ...]
    #: Bakers that are here and not in the file: they stay as they are.
    untouched: tuple[str, ...]


async def look(ledger: Ledger, file: SettingsFile, network: str, at: datetime) -> Look:
    """Find out what a file would change on this chain; nothing is.

    Raises InputError, with its place in the file, for what the ledger would refuse.
    """
    questions: list[Question] = []
    async with _taken_back(ledger) as tx:
        before = await read_state(tx, file.bakers)
        everyone = [each.baker_id for each in await bakers.everyone(tx)]
        after = await _enter(tx, file, network, Deed("look", at, ""))
        for baker_id, state in after.bakers.items():
            question = await question_of(tx, before.bakers.get(baker_id), state)
            questions += [] if question is None else [question]
    return Look(
        before=before,
        differences=tuple(differences(before, after)),
        effects=tuple([await effect_of(each) for each in questions]),
        untouched=tuple(each for each in everyone if each not in file.bakers),
    )


async def apply(
    ledger: Ledger, file: SettingsFile, network: str, seen: HouseState, deed: Deed
) -> None:
    """Enter what a file says in one transaction, if the settings still are as they were seen.

    Raises ConflictError when they are not, InputError as `look` does. A running Bakehouse takes
    schedules up within a minute.
    """
    async with ledger.write(why=deed.reason) as tx:
        if await read_state(tx, file.bakers) != seen:
            raise ConflictError(
                "somebody has changed settings since you saw them: nothing was changed, look again"
            )
        await _enter(tx, file, network, deed)


@asynccontextmanager
async def _taken_back(ledger: Ledger) -> AsyncIterator[AsyncConnection]:
    """Give a transaction of which nothing stays: what it does is only to be seen."""
    async with ledger.write() as tx:
        yield tx
        await tx.rollback()


async def _enter(tx: AsyncConnection, file: SettingsFile, network: str, deed: Deed) -> HouseState:
    """Enter a file, and give the state that follows from it."""
    if file.network != network:
        raise file.source.mistake(
            ("network",), f"these bakers are on {file.network}, and Bakehouse on {network}"
        )
    state = await read_state(tx, file.bakers)
    for name in file.alert_channels:
        if name not in state.channels:
            raise file.source.mistake(
                ("alert_channels",), f"there is no channel {name!r}: `bakehouse alerts add` it"
            )
    for baker_id, part in file.bakers.items():
        await _enter_baker(tx, file, baker_id, state.bakers.get(baker_id), deed)
        await _enter_tables(tx, file, baker_id, part, deed)
    detail = {
        "bakers": sorted(file.bakers),
        "sha256": hashlib.sha256(file.source.text.encode()).hexdigest(),
    }
    await audit.record(tx, AuditEvent(deed.at, deed.actor, APPLIED, file.source.name, detail))
    return await _resulting(tx, file)


async def _enter_baker(
    tx: AsyncConnection,
    file: SettingsFile,
    baker_id: str,
    known: BakerState | None,
    deed: Deed,
) -> None:
    path = ("bakers", baker_id)
    wanted = file.bakers[baker_id].settings
    current: Mapping[str, Any] = known.settings if known is not None else {}
    changed = {
        name: wanted[name]
        for name in CATALOGUE
        if name in wanted and (name not in current or wanted[name] != current[name])
    }
    if changed.get("mode") is Mode.ON:
        raise file.source.mistake(
            (*path, "mode"),
            f"a file never switches a baker on: `bakehouse baker set {baker_id} mode=on` does",
        )
    if known is not None and known.baker.network != file.network:
        raise file.source.mistake(path, f"this baker is registered on {known.baker.network}")
    try:
        if known is not None:
            await bakers.change(
                tx, baker_id, changed, actor=deed.actor, at=deed.at, checks_rules=False
            )
        else:
            baker = _new_baker(file, baker_id, changed)
            await bakers.add(tx, baker, actor=deed.actor, at=deed.at, checks_rules=False)
    except InputError as error:
        raise file.source.mistake(path, error.message) from error


def _new_baker(file: SettingsFile, baker_id: str, settings: Mapping[str, Any]) -> Baker:
    if "first_cycle" not in settings:
        raise InputError("it is not registered here: name its first_cycle")
    given = {"payout_address": baker_id, **settings}
    return Baker(baker_id=baker_id, network=file.network, **given)


async def _enter_tables(
    tx: AsyncConnection, file: SettingsFile, baker_id: str, part: BakerPart, deed: Deed
) -> None:
    path: KeyPath = ("bakers", baker_id)
    baker = await bakers.get(tx, baker_id)
    try:
        if part.delegators is not None:
            path = ("bakers", baker_id, DELEGATORS)
            fees, rules = fees_in(part.delegators), rules_in(part.delegators)
            if fees != await payout_rules.fees(tx, baker_id):
                await bakers.replace_fees(tx, baker_id, fees, actor=deed.actor, at=deed.at)
            if rules != await payout_rules.delegators(tx, baker_id):
                await payout_rules.replace_delegators(
                    tx, baker, rules, actor=deed.actor, at=deed.at, checks_rules=False
                )
        if part.income is not None:
            path = ("bakers", baker_id, INCOME_SHARES)
            shares = shares_in(part.income)
            if shares != await payout_rules.income(tx, baker_id):
                await payout_rules.replace_income(
                    tx, baker, shares, actor=deed.actor, at=deed.at, checks_rules=False
                )
        if part.bond_pool is not None:
            path = ("bakers", baker_id, BOND_POOL)
            members = sorted(
                (member_in(*each) for each in part.bond_pool.items()), key=lambda each: each.address
            )
            if members != await bakers.bond_pool(tx, baker_id):
                await bakers.replace_bond_pool(tx, baker_id, members, actor=deed.actor, at=deed.at)
    except InputError as error:
        raise file.source.mistake(path, error.message) from error


async def _resulting(tx: AsyncConnection, file: SettingsFile) -> HouseState:
    """Read the state; what contradicts itself only as a whole is told with the baker's place."""
    bakers_of_file: dict[str, BakerState] = {}
    channels: tuple[str, ...] = ()
    for baker_id in file.bakers:
        try:
            state = await read_state(tx, {baker_id})
        except InputError as error:
            raise file.source.mistake(("bakers", baker_id), error.message) from error
        bakers_of_file |= state.bakers
        channels = state.channels
    return HouseState(bakers_of_file, channels)
