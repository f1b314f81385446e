"""Reading TezPay: its config.hjson, and the reports it keeps of each cycle."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bakehouse.errors import InputError
from bakehouse.importers.csv_reports import report_rows
from bakehouse.importers.exact_numbers import mutez, nearest_points
from bakehouse.importers.hjson_document import read_hjson
from bakehouse.importers.moving_in import (
    Left,
    MovingIn,
    OldHistory,
    OldPayment,
    Outcome,
    Tool,
)
from bakehouse.importers.old_files import OldFile, digests, files_below, read_old_file
from bakehouse.importers.old_tables import OldRow
from bakehouse.importers.operation_hash import ZERO, parse_operation_hash
from bakehouse.importers.place import Place
from bakehouse.importers.tezpay_settings import tezpay_settings
from bakehouse.rewards.money import NO_MUTEZ, NO_SHARE, BasisPoints, Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.tezos.address import parse_recipient

_PAYOUTS: Final = "payouts.csv"
_SUMMARY: Final = "summary.json"
_DRY: Final = "dry"
_COLUMNS: Final = ("BAKER", "CYCLE", "KIND", "RECIPIENT", "AMOUNT", "OP_HASH", "SUCCESS")
_REWARD: Final = "delegator reward"
_KINDS: Final[Mapping[str, PayoutKind]] = {
    _REWARD: PayoutKind.DELEGATOR,
    "baker reward": PayoutKind.BOND_SHARE,
    "fee income": PayoutKind.FEE_SHARE,
    # There are no donations here: it is part of what the baker gave away of its own.
    "donation": PayoutKind.BOND_SHARE,
}
_TEZ: Final = "tez"


def read_tezpay(
    config: Path, reports: Sequence[Path], *, payout_address: str | None = None
) -> MovingIn:
    """Read what TezPay kept; raises InputError with file and line."""
    settings_file = read_old_file(config)
    root = read_hjson(settings_file.text, settings_file.name)
    settings = tezpay_settings(root, payout_address)
    files = [read_old_file(path) for path in _reports(reports)]
    return MovingIn(
        tool=Tool.TEZPAY,
        files=digests([settings_file, *files]),
        settings=settings,
        history=tezpay_history(files, settings.baker_id),
    )


def tezpay_history(files: Sequence[OldFile], baker_id: str) -> OldHistory:
    """Read reports of cycles; raises InputError with file and line."""
    payments: dict[tuple[int, PayoutKind, str, str | None], OldPayment] = {}
    said: dict[tuple[int, PayoutKind, str, str | None], set[str]] = {}
    cycles: set[int] = set()
    tokens = 0
    for file in files:
        cycle = _cycle_of(file.path)
        cycles.add(cycle)
        if file.path.name == _SUMMARY:
            _check_summary(file)
            continue
        for row in report_rows(file, _COLUMNS):
            if (row.optional("OP_KIND") or _TEZ) != _TEZ:
                tokens += 1
                continue
            payment = _payment(row, cycle, baker_id)
            if payment is None:
                continue
            identity = (cycle, payment.kind, payment.owed_to, payment.operation_hash)
            kind = row.text("KIND")
            known = payments.get(identity)
            if known is not None:
                payment = _together(known, payment, is_same=kind in said[identity])
            said.setdefault(identity, set()).add(kind)
            payments[identity] = payment
    left = []
    if tokens:
        left.append(Left(f"{tokens} payouts of tokens", "only tez is paid here, and imported"))
    left.append(Left("invalid.csv", "who was not paid, and why: keep the files"))
    return OldHistory(
        payments=tuple(payments.values()),
        last_cycle=max(cycles, default=None),
        left=tuple(left),
    )


def _together(known: OldPayment, again: OldPayment, *, is_same: bool) -> OldPayment:
    """Add what one recipient got as two kinds that are one here; the same twice counts once."""
    if not is_same:
        total = Mutez(known.amount + again.amount)
        return replace(known, amount=total, fee=Mutez(known.fee + again.fee))
    if known.amount != again.amount:
        raise again.place.mistake(
            f"{again.owed_to} has another amount for cycle {again.cycle} already, {known.place}"
        )
    return known if known.outcome is Outcome.PAID else again


def _payment(row: OldRow, cycle: int, baker_id: str) -> OldPayment | None:
    place = row.place
    if row.text("BAKER") != baker_id:
        raise place.mistake(f"this is of another baker than the settings, {baker_id}")
    if row.whole_number("CYCLE") != cycle:
        raise place.mistake(f"this is of cycle {row.text('CYCLE')}, its folder of cycle {cycle}")
    kind = row.text("KIND")
    if kind not in _KINDS:
        raise place.mistake(f"kind is {kind[:32]!r}, which TezPay does not write")
    amount = place.read(mutez, row.text("AMOUNT"))
    recipient = place.read(parse_recipient, row.text("RECIPIENT"))
    owed_to = recipient
    if kind == _REWARD and (delegator := row.optional("DELEGATOR")) is not None:
        owed_to = place.read(parse_recipient, delegator)
    if amount == 0:
        return None
    is_paid = row.yes_or_no("SUCCESS")
    named = row.optional("OP_HASH")
    return OldPayment(
        cycle=cycle,
        kind=_KINDS[kind],
        owed_to=owed_to,
        address=recipient,
        amount=amount,
        outcome=Outcome.PAID if is_paid else Outcome.UNCLEAR,
        said=f"success={str(is_paid).lower()}",
        place=place,
        operation_hash=(
            None if named in {None, ZERO} else place.read(parse_operation_hash, named or "")
        ),
        paid_at=_time(place, row.optional("TIMESTAMP")),
        delegated_balance=_amount(row, "DELEGATOR_BALANCE"),
        fee_basis_points=_rate(row),
        fee=_amount(row, "FEE"),
    )


def _amount(row: OldRow, column: str) -> Mutez:
    text = row.optional(column)
    return NO_MUTEZ if text is None else row.place.read(mutez, text)


def _rate(row: OldRow) -> BasisPoints:
    text = row.optional("FEE_RATE")
    if text is None:
        return NO_SHARE
    return row.place.read(nearest_points, text)


def _time(place: Place, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise place.mistake("timestamp is not a time") from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _check_summary(file: OldFile) -> None:
    """Refuse a summary that is cut off; what it tells is in the payouts too."""
    try:
        document = json.loads(file.text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise Place(file.name, line).mistake("this is not JSON: the file is cut off") from error
    if not isinstance(document, dict):
        raise Place(file.name, 1).mistake("this is no summary of TezPay")


def _cycle_of(path: Path) -> int:
    name = path.parent.name
    if not (name.isascii() and name.isdigit() and len(name) < 10):  # noqa: PLR2004
        raise InputError(f"{path} is not in a folder named by its cycle, as TezPay has it")
    return int(name)


def _reports(named: Sequence[Path]) -> Iterator[Path]:
    found = False
    for path in named:
        several = list(_below(path)) if path.is_dir() else [path]
        for each in several:
            if each.parent.parent.name == _DRY:
                raise InputError(f"{each} is of a dry run of TezPay: nothing of it was paid")
            if each.name not in {_PAYOUTS, _SUMMARY}:
                raise InputError(f"{each} is neither {_PAYOUTS} nor {_SUMMARY}")
            found = found or each.name == _PAYOUTS
            yield each
    if not found:
        raise InputError(f"there is no {_PAYOUTS} in {', '.join(map(str, named))}")


def _below(folder: Path) -> Iterator[Path]:
    """Look into reports, or into the folder of one cycle; what is dry is passed over."""
    for name in (_PAYOUTS, _SUMMARY):
        yield from files_below(folder, name)
        for each in files_below(folder, f"*/{name}"):
            if each.parent.name != _DRY:
                yield each
