"""Reading TRD: its YAML file of a baker, and its payment reports, done and failed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bakehouse.errors import InputError
from bakehouse.importers.csv_reports import report_rows
from bakehouse.importers.cycle_runs import listed
from bakehouse.importers.exact_numbers import mutez
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
from bakehouse.importers.operation_hash import parse_operation_hash
from bakehouse.importers.trd_settings import trd_settings
from bakehouse.importers.yaml_document import read_yaml
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.tezos.address import parse_recipient

_DONE: Final = "done"
_FAILED: Final = "failed"
_DRY: Final = "simulations"
_COLUMNS: Final = ("ADDRESS", "TYPE", "AMOUNT", "HASH", "PAID")

#: TRD's words of what became of a payment; `done` is finished without one.
_OUTCOMES: Final[Mapping[str, Outcome | None]] = {
    "paid": Outcome.PAID,
    "injected": Outcome.UNCLEAR,
    "avoided": Outcome.UNCLEAR,
    "fail": Outcome.UNCLEAR,
    "undefined": Outcome.UNCLEAR,
    "done": None,
}
#: Why somebody is paid: delegators, founders (of fees), owners (of bonds), several in one.
_KINDS: Final[Mapping[str, PayoutKind]] = {
    "D": PayoutKind.DELEGATOR,
    "M": PayoutKind.DELEGATOR,
    "E": PayoutKind.DELEGATOR,
    "F": PayoutKind.FEE_SHARE,
    "O": PayoutKind.BOND_SHARE,
}


def read_trd(
    config: Path, reports: Sequence[Path], *, payout_address: str | None = None
) -> MovingIn:
    """Read what TRD kept; raises InputError with file and line."""
    settings_file = read_old_file(config)
    root = read_yaml(settings_file.text, settings_file.name)
    settings = trd_settings(root, payout_address)
    files = [read_old_file(path) for path in _reports(reports, settings.baker_id)]
    return MovingIn(
        tool=Tool.TRD,
        files=digests([settings_file, *files]),
        settings=settings,
        history=trd_history(files),
    )


def trd_history(files: Iterable[OldFile]) -> OldHistory:
    """Read payment reports; raises InputError with file and line."""
    by_identity: dict[tuple[int, PayoutKind, str], OldPayment] = {}
    without_payment: set[int] = set()
    seen: set[int] = set()
    for file in files:
        cycle = _cycle_of(file.path)
        seen.add(cycle)
        for row in report_rows(file, _COLUMNS):
            payment = _payment(row, cycle)
            if payment is None:
                without_payment.add(cycle)
                continue
            identity = (cycle, payment.kind, payment.owed_to)
            known = by_identity.get(identity)
            if known is not None:
                payment = _one_of_two(known, payment)
            by_identity[identity] = payment
    payments = tuple(by_identity.values())
    empty = without_payment - {each.cycle for each in payments}
    left = []
    if empty:
        left.append(
            Left(
                f"cycles that TRD finished without a payment: {listed(empty)}",
                "nothing was sent for them; they are not closed, and older than first_cycle",
            )
        )
    return OldHistory(payments=payments, last_cycle=max(seen, default=None), left=tuple(left))


def _one_of_two(known: OldPayment, again: OldPayment) -> OldPayment:
    """Of the same payment in `done` and in `failed`, what is paid is what counts."""
    if known.amount != again.amount:
        raise again.place.mistake(
            f"{again.address} has another amount for cycle {again.cycle} already, {known.place}"
        )
    if known.outcome is Outcome.PAID and again.outcome is Outcome.PAID:
        if known.operation_hash != again.operation_hash:
            raise again.place.mistake(
                f"{again.address} is paid by another operation already, {known.place}"
            )
        return known
    return known if known.outcome is Outcome.PAID else again


def _payment(row: OldRow, cycle: int) -> OldPayment | None:
    said = row.text("PAID").lower()
    if said not in _OUTCOMES:
        raise row.place.mistake(f"paid is {said[:32]!r}, which TRD does not write")
    kind = row.text("TYPE")
    if kind not in _KINDS:
        raise row.place.mistake(f"type is {kind[:32]!r}, which TRD does not write")
    address = row.place.read(parse_recipient, row.text("ADDRESS"))
    amount = row.place.read(mutez, row.text("AMOUNT"))
    outcome = _OUTCOMES[said]
    if outcome is None or amount == 0:
        return None
    named = row.text("HASH")
    return OldPayment(
        cycle=cycle,
        kind=_KINDS[kind],
        owed_to=address,
        address=address,
        amount=amount,
        outcome=outcome,
        said=said,
        place=row.place,
        operation_hash=(None if named == "None" else row.place.read(parse_operation_hash, named)),
    )


def _cycle_of(path: Path) -> int:
    if not (path.stem.isascii() and path.stem.isdigit() and len(path.stem) < 10):  # noqa: PLR2004
        raise InputError(f"{path} is not named by its cycle, as TRD does: such as done/749.csv")
    return int(path.stem)


def _reports(named: Sequence[Path], baker_id: str) -> Iterator[Path]:
    found = False
    for path in named:
        if _DRY in path.resolve().parts:
            raise InputError(f"{path} is of a dry run of TRD: name its folder `reports`")
        several = list(_below(path, baker_id)) if path.is_dir() else [path]
        for each in several:
            if each.parent.name not in {_DONE, _FAILED}:
                raise InputError(f"{each} is neither in a folder `done` nor in `failed`")
            found = True
            yield each
    if not found:
        raise InputError(f"there is no payment report in {', '.join(map(str, named))}")


def _below(folder: Path, baker_id: str) -> Iterator[Path]:
    """Look into reports/BAKER/payments, from whichever of the three it is named by."""
    for inner in (Path(), Path("payments"), Path(baker_id) / "payments"):
        for name in (_DONE, _FAILED):
            yield from files_below(folder / inner / name, "*.csv")
            _refuse_busy(folder / inner / name)


def _refuse_busy(folder: Path) -> None:
    for each in files_below(folder, "*.csv.BUSY"):
        raise InputError(
            f"{each}: TRD was stopped while it paid this again. Let it finish, or give the file "
            "its name without .BUSY: what is in it is then looked up on chain"
        )
