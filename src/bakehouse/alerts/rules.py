"""When there is cause for an alert: facts in, the message or None out. Pure; raises nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from bakehouse.rewards.money import Mutez, format_tez
from bakehouse.tezos.protocols import KNOWN_PROTOCOLS

#: Periods that a schedule may be silent for.
_SILENT_PERIODS_MAX: Final = 2
#: Nobody is silent before this, however short a demo makes its minutes.
_SILENT_AT_LEAST: Final = timedelta(minutes=2)


def protocol_unknown(protocol: str) -> str | None:
    """Tell of a protocol that this version was not held against; None for one that it was."""
    if protocol in KNOWN_PROTOCOLS:
        return None
    return (
        f"the chain runs protocol {protocol}, which this version of Bakehouse does not know: "
        "payments go on while its constants are there and pass their checks, and wait otherwise"
    )


def wallet_low(address: str, balance: Mutez, need: Mutez | None) -> str | None:
    """Tell whether a wallet will not cover the next cycle, as far as the last one shows."""
    if need is None or balance >= need:
        return None
    return (
        f"the payout wallet {address} has {format_tez(balance)} tez; a cycle like the last one "
        f"takes {format_tez(need)} tez with its fees: {format_tez(Mutez(need - balance))} tez are "
        f"missing there (tezos:{address})"
    )


def schedule_silent(last_sign_of_life: datetime, period: timedelta, now: datetime) -> str | None:
    """Tell whether a baker's cycles were not looked at, with success, for two periods."""
    silent_for = now - last_sign_of_life
    if silent_for <= max(_SILENT_PERIODS_MAX * period, _SILENT_AT_LEAST):
        return None
    minutes = silent_for // timedelta(minutes=1)
    return (
        f"no look for finished cycles has succeeded for {minutes} minutes, and one is due every "
        f"{period // timedelta(minutes=1)}"
    )


def queue_failing(queue: str, failed_reasons: Sequence[str]) -> str | None:
    """Tell whether jobs of a queue failed for good and wait for a person."""
    if not failed_reasons:
        return None
    jobs = "1 job" if len(failed_reasons) == 1 else f"{len(failed_reasons)} jobs"
    return f"{jobs} of the queue {queue} failed for good; the latest: {failed_reasons[0]}"
