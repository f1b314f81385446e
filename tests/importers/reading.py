"""Reading what each tool left behind of a life, by its name in the tests."""

from pathlib import Path

from bakehouse.importers.moving_in import MovingIn
from bakehouse.importers.taps_files import read_taps
from bakehouse.importers.tezpay_files import read_tezpay
from bakehouse.importers.trd_files import read_trd
from tests.importers.old_life import OldLife, Paid


def read(life: OldLife, tool: str, scripts: dict[str, Path], *paid: Paid) -> MovingIn:
    """Read what a tool left behind; TAPS in the dialect that is named."""
    if tool == "trd":
        config, reports = life.trd(*paid)
        return read_trd(config, [reports])
    if tool == "tezpay":
        config, reports = life.tezpay(*paid)
        return read_tezpay(config, [reports], payout_address=life.old.payout_address)
    script = scripts[tool.removeprefix("taps-")]
    return read_taps(life.taps(script, *paid), payout_address=life.old.payout_address)


def failed(each: Paid, amount: int = 123_457) -> Paid:
    """One that the old tool could not pay: another amount than it was ever sent."""
    return Paid(each.address, amount, None, "failed")
