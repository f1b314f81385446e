"""Payouts in the columns of TezPay's `payouts.csv`, for scripts that read it. Read only.

The columns, their order and how values are written are those of TezPay (`common/report.go` in
github.com/tez-capital/tezpay, as gocsv writes it), seen in 2026-11.
"""

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final

from bakehouse.ledger import bakers
from bakehouse.ledger.bookkeeping import BookedPayout, booked_payouts
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import Mode, PayoutState
from bakehouse.payments.export import Export, Row
from bakehouse.rewards.money import WHOLE, BasisPoints
from bakehouse.rewards.payout_kind import PayoutKind

#: What TezPay calls the file of a cycle, in a folder that has the cycle's number.
FILE_NAME: Final = "payouts.csv"

COLUMNS: Final = (
    "id",
    "baker",
    "timestamp",
    "cycle",
    "kind",
    "op_kind",
    "contract",
    "token_id",
    "fa_alias",
    "fa_decimals",
    "delegator",
    "delegator_balance",
    "staked_balance",
    "recipient",
    "amount",
    "fee_rate",
    "fee",
    "tx_fee",
    "op_hash",
    "success",
    "note",
)

#: What TezPay calls who is paid; whatever else we pay is the baker's to give.
_KINDS: Final[Mapping[str, str]] = {
    PayoutKind.DELEGATOR: "delegator reward",
    PayoutKind.BOND_MEMBER: "baker reward",
}
_OTHER_KIND: Final = "fee income"

#: What is the same for whoever is paid in tez.
_IN_TEZ: Final = {
    "op_kind": "tez",
    "contract": "",
    "token_id": "0",
    "fa_alias": "",
    "fa_decimals": "0",
    # Stakers are paid by the protocol.
    "staked_balance": "0",
}

_ID_LENGTH: Final = 16


async def tezpay_rows(ledger: Ledger, wanted: Export) -> AsyncGenerator[Row, None]:
    """Give one row a payout that an operation was signed for, as TezPay lists what it sent.

    Raises NotFoundError for an unknown baker, with the first row.
    """
    told: set[int] = set()
    async with ledger.read() as tx:
        await bakers.get(tx, wanted.baker_id)
        async with aclosing(booked_payouts(tx, wanted.baker_id, Mode.ON, wanted.span)) as booked:
            async for payout in booked:
                if payout.operation is None or payout.signed_at is None:
                    continue
                # A transfer may settle several payouts, and costs once; another tool's is unknown.
                fee = 0 if payout.transfer_id in told else payout.transfer_fee or 0
                if payout.transfer_id is not None:
                    told.add(payout.transfer_id)
                yield _row(wanted.baker_id, payout, payout.signed_at, fee)


def _row(baker_id: str, payout: BookedPayout, signed_at: datetime, tx_fee: int) -> Row:
    values = {
        **_IN_TEZ,
        "id": _id(payout),
        "baker": baker_id,
        "timestamp": signed_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "cycle": str(payout.cycle),
        "kind": _KINDS.get(payout.kind, _OTHER_KIND),
        "delegator": payout.owed_to,
        "delegator_balance": str(payout.delegated_balance),
        "recipient": payout.address,
        "amount": str(payout.received),
        "fee_rate": _fraction(payout.fee_basis_points),
        "fee": str(payout.fee),
        "tx_fee": str(tx_fee),
        "op_hash": payout.operation or "",
        "success": "true" if payout.state is PayoutState.PAID else "false",
        "note": payout.reason or "",
    }
    return {name: values[name] for name in COLUMNS}


def _id(payout: BookedPayout) -> str:
    """Name whom it is for: the same in every cycle, as TezPay's is; not the same as TezPay's."""
    told = f"{payout.kind}/{payout.owed_to}/{payout.address}"
    return hashlib.sha256(told.encode()).hexdigest()[:_ID_LENGTH]


def _fraction(fee: BasisPoints) -> str:
    """Write a fee as a part of 1: 950 basis points as 0.095."""
    whole, rest = divmod(fee, WHOLE)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")
