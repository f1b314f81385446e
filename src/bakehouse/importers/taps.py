"""What TAPS kept in its database, made settings and history. Its six tables, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bakehouse.errors import InputError
from bakehouse.importers.cycle_runs import listed
from bakehouse.importers.exact_numbers import mutez_of_tez, points_of_percent
from bakehouse.importers.moving_in import (
    SECRETS_STAY,
    Left,
    OldHistory,
    OldPayment,
    OldSettings,
    Outcome,
    Taken,
)
from bakehouse.importers.old_tables import SECRET_COLUMNS, OldRow, OldTable
from bakehouse.importers.operation_hash import parse_operation_hash
from bakehouse.importers.place import Place
from bakehouse.rewards.bond_pool import BondPoolMember, check_members
from bakehouse.rewards.money import BasisPoints, Mutez, format_percentage
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.tezos.address import parse_implicit, parse_recipient

SETTINGS: Final = "SETTINGS"
PAYMENTS: Final = "PAYMENTS"
DELEGATORS_PAYMENTS: Final = "DELEGATORSPAYMENTS"
DELEGATORS_FEE: Final = "DELEGATORSFEE"
BOND_POOL_SETTINGS: Final = "BONDPOOLSETTINGS"
BOND_POOL: Final = "BONDPOOL"

#: What a database of any version of TAPS has; the other two came later.
REQUIRED: Final = (SETTINGS, PAYMENTS, DELEGATORS_PAYMENTS, DELEGATORS_FEE)
TABLES: Final = frozenset({*REQUIRED, BOND_POOL_SETTINGS, BOND_POOL})

#: Columns of the settings that have no place here, and why.
_NO_PLACE: Final[Mapping[str, str]] = {
    "MODE": "a baker moves in in simulation; `bakehouse baker set` switches it on",
    "STATUS": "whether schedules run: they do, in simulation",
    "UPDATE_FREQ": "",
    "APPLICATION_PORT": "BAKEHOUSE_PORT",
    "CLIENT_PATH": "no client is called: BAKEHOUSE_NODE_URLS",
    "NODE_ALIAS": "wallets have addresses here: payout_address",
    "BASE_DIR": "BAKEHOUSE_DATA_DIR",
    "FUNDS_ORIGIN": "a key file or a remote signer: docs/wallets.md",
    "DELEGATE": "the wallet's own delegation is not ours to change",
    "PROXY_SERVER": "HTTPS_PROXY, as every program has it",
    "PROXY_PORT": "HTTPS_PROXY",
    "PROVIDER": "BAKEHOUSE_NODE_URLS: several, and two must agree",
    "GAS_LIMIT": "gas is what a simulation used",
    "STORAGE_LIMIT": "storage is what a simulation used",
    "TRANSACTION_FEE": "the fee is the least that nodes take",
    "BLOCK_EXPLORER": "BAKEHOUSE_EXPLORER_URL",
    "NUM_BLOCKS_WAIT": "num_blocks_wait: two blocks are final today",
    "PAYMENT_RETRIES": "payment_retries: what it repeated there paid twice",
    "MIN_BETWEEN_RETRIES": "minutes_between_retries",
}

#: TAPS's words of what became of a delegator's payment.
_OUTCOMES: Final[Mapping[str, Outcome | None]] = {
    "applied": Outcome.PAID,
    "failed": Outcome.UNCLEAR,
    "not available": Outcome.UNCLEAR,
    "errors": Outcome.UNCLEAR,
    "simulated": None,
}
_CYCLE_RESULTS: Final = frozenset(
    {"paid", "errors", "rewards_delivered", "rewards_pending", "simulated"}
)

#: An amount of two decimals may have been rounded to them: so older versions kept it.
_TWO_DECIMALS: Final = 10_000
_ROUNDED: Final = Mutez(_TWO_DECIMALS - 1)


def read_settings(
    tables: Mapping[str, OldTable], wanted: str | None, payout_address: str | None
) -> OldSettings:
    """Read the settings of a baker, the only one unless it is named; raises InputError."""
    row = _settings_row(tables[SETTINGS], wanted)
    baker_id = row.place.read(parse_implicit, row.text("BAKER_ID"))
    default_fee = row.place.read(points_of_percent, row.text("DEFAULT_FEE"))
    frequency = row.whole_number("UPDATE_FREQ")
    fees = _fees(tables[DELEGATORS_FEE], baker_id)
    own_fees = {address: fee for address, fee in fees.items() if fee != default_fee}
    members = _members(tables.get(BOND_POOL), baker_id)
    enabled = _pool_is_on(tables.get(BOND_POOL_SETTINGS), baker_id)
    taken = [
        Taken("settings.default_fee", f"default_fee={format_percentage(default_fee)}"),
        Taken("settings.update_freq", f"update_freq={frequency}"),
        Taken(
            f"delegatorsFee: {len(fees)} rows",
            f"{len(own_fees)} fees of single delegators; as many as have the default fee get none "
            "of their own, so that a later change of the default reaches them",
        ),
    ]
    if members or enabled:
        state = "yes" if enabled and members else "no"
        taken.append(
            Taken(f"bondPool: {len(members)} rows", f"its members; bond_pool_enabled={state}")
        )
    return OldSettings(
        baker_id=baker_id,
        payout_address=payout_address,
        settings={
            "default_fee": default_fee,
            "update_freq": frequency,
            "bond_pool_enabled": enabled and bool(members),
        },
        fees=own_fees,
        members=members,
        taken=tuple(taken),
        left=tuple(_left(tables[SETTINGS])),
    )


def _settings_row(table: OldTable, wanted: str | None) -> OldRow:
    table.require("BAKER_ID", "DEFAULT_FEE", "UPDATE_FREQ")
    rows = [row for row in table.rows if wanted in {None, row.optional("BAKER_ID")}]
    if not rows:
        whom = f" of {wanted}" if wanted else ""
        raise InputError(f"the table {SETTINGS} has no settings{whom}: TAPS was never set up")
    if len(rows) > 1:
        named = ", ".join(row.text("BAKER_ID") for row in rows)
        raise rows[1].place.mistake(f"there are several bakers: name one with --baker, of {named}")
    return rows[0]


def _left(table: OldTable) -> Iterable[Left]:
    for column, why in _NO_PLACE.items():
        if column in table.columns and why:
            yield Left(f"settings.{column.lower()}", why)
    if SECRET_COLUMNS & set(table.columns):
        yield Left("settings: user, password hashes and phrases", SECRETS_STAY)
    yield Left("wallet/wallet.taps", "a key is brought along by its words: docs/moving-in.md")


def _fees(table: OldTable, baker_id: str) -> dict[str, BasisPoints]:
    table.require("BAKER_ID", "ADDRESS", "FEE")
    fees: dict[str, BasisPoints] = {}
    for row in _of(table, baker_id):
        address = row.place.read(parse_recipient, row.text("ADDRESS"))
        fee = row.place.read(points_of_percent, row.text("FEE"))
        if fees.setdefault(address, fee) != fee:
            raise row.place.mistake(f"{address} has another fee already, further up")
    return fees


def _pool_is_on(table: OldTable | None, baker_id: str) -> bool:
    if table is None:
        return False
    return any(row.yes_or_no("STATUS") for row in _of(table, baker_id))


def _members(table: OldTable | None, baker_id: str) -> tuple[BondPoolMember, ...]:
    if table is None:
        return ()
    table.require("ADDRESS", "AMOUNT", "ADM_CHARGE", "IS_MANAGER")
    rows = list(_of(table, baker_id))
    members = tuple(
        BondPoolMember(
            row.place.read(parse_recipient, row.text("ADDRESS")),
            row.place.read(mutez_of_tez, row.text("AMOUNT")),
            row.place.read(points_of_percent, row.text("ADM_CHARGE")),
            row.yes_or_no("IS_MANAGER"),
            row.optional("NAME") or "",
        )
        for row in rows
    )
    try:
        check_members(members)
    except InputError as error:
        raise rows[0].place.mistake(f"the bond pool: {error.message}") from error
    return members


@dataclass(slots=True)
class _Reading:
    """What was read of payments so far, by cycle and address."""

    payments: dict[tuple[int, str], list[OldPayment]]
    simulated: set[int]
    repeated: int = 0


def read_history(tables: Mapping[str, OldTable], baker_id: str) -> OldHistory:
    """Read what a baker's TAPS had paid, or tried to; raises InputError."""
    paid_cycles, dealt_with = _cycles(tables[PAYMENTS], baker_id)
    table = tables[DELEGATORS_PAYMENTS]
    table.require("BAKER_ID", "CYCLE", "ADDRESS", "RESULT", "TOTAL")
    reading = _Reading({}, set())
    for row in _of(table, baker_id):
        _take_in(reading, row)
    payments = tuple(each for several in reading.payments.values() for each in several)
    dealt_with |= {each.cycle for each in payments} | reading.simulated
    only_simulated = reading.simulated - {each.cycle for each in payments}
    open_cycles = dealt_with - paid_cycles - {each.cycle for each in payments}
    return OldHistory(
        payments=payments,
        paid_cycles=frozenset(paid_cycles),
        last_cycle=max(dealt_with, default=None),
        left=tuple(_not_history(reading, only_simulated, open_cycles - only_simulated)),
    )


def _cycles(table: OldTable, baker_id: str) -> tuple[set[int], set[int]]:
    """Give the cycles that TAPS calls paid, and all that it has dealt with."""
    table.require("BAKER_ID", "CYCLE", "RESULT", "TOTAL")
    paid: set[int] = set()
    dealt_with: set[int] = set()
    for row in _of(table, baker_id):
        result = row.text("RESULT")
        if result not in _CYCLE_RESULTS:
            raise row.place.mistake(f"RESULT {result!r} is none that TAPS writes")
        row.place.read(mutez_of_tez, row.text("TOTAL"))
        cycle = row.whole_number("CYCLE")
        paid |= {cycle} if result == "paid" else set()
        dealt_with |= {cycle} if result != "rewards_pending" else set()
    return paid, dealt_with


def _take_in(reading: _Reading, row: OldRow) -> None:
    result, cycle = row.text("RESULT"), row.whole_number("CYCLE")
    if result not in _OUTCOMES:
        raise row.place.mistake(f"RESULT {result!r} is none that TAPS writes")
    address = row.place.read(parse_recipient, row.text("ADDRESS"))
    amount = row.place.read(mutez_of_tez, row.text("TOTAL"))
    outcome = _OUTCOMES[result]
    if outcome is None:
        reading.simulated.add(cycle)
        return
    named = row.optional("TRANSACTION_HASH")
    payment = OldPayment(
        cycle=cycle,
        kind=PayoutKind.DELEGATOR,
        owed_to=address,
        address=address,
        amount=amount,
        outcome=outcome,
        said=result,
        place=row.place,
        operation_hash=None if named is None else row.place.read(parse_operation_hash, named),
        paid_at=_date(row.place, row.optional("DATE")),
        tolerance=_ROUNDED if amount % _TWO_DECIMALS == 0 else Mutez(0),
    )
    several = reading.payments.setdefault((cycle, address), [])
    for known in several:
        if (known.outcome, known.operation_hash) != (payment.outcome, payment.operation_hash):
            continue
        if known.amount != amount:
            raise row.place.mistake(
                f"{address} has another amount for cycle {cycle} already, {known.place}"
            )
        reading.repeated += 1
        return
    several.append(payment)


def _not_history(
    reading: _Reading, only_simulated: set[int], without_trace: set[int]
) -> Iterable[Left]:
    if reading.repeated:
        yield Left(f"delegatorsPayments: {reading.repeated} rows", "each is there a second time")
    if only_simulated:
        yield Left(
            f"cycles that TAPS only simulated: {listed(only_simulated)}",
            "nothing was sent for them; they are not closed, and older than first_cycle",
        )
    if without_trace:
        yield Left(
            f"cycles begun without a trace of whom they paid: {listed(without_trace)}",
            "nobody is named; they are not closed, and older than first_cycle: look at the "
            "wallet's operations of those days before you have them paid here",
        )


def _date(place: Place, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise place.mistake("DATE is not a date such as 2024-01-15") from error


def _of(table: OldTable, baker_id: str) -> Iterable[OldRow]:
    return (row for row in table.rows if row.text("BAKER_ID") == baker_id)
