"""Payouts and operations as several resources show them. Amounts are strings of mutez."""

from typing import Annotated

from pydantic import BaseModel, Field

from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.ledger.transfers import TransferSums
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.web.api.fields import EXAMPLE_OPERATION, EXAMPLE_RECIPIENT, MutezText


class PayoutView(BaseModel):
    """What one recipient is owed for a cycle, and what became of it."""

    owed_to: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    address: Annotated[
        str,
        Field(description="Where it is sent; most often the same.", examples=[EXAMPLE_RECIPIENT]),
    ]
    kind: Annotated[str, Field(examples=list(PayoutKind))]
    delegated_balance: MutezText
    gross: MutezText
    fee_basis_points: Annotated[int, Field(examples=[995])]
    fee: MutezText
    net: MutezText
    withheld: Annotated[
        str,
        Field(description="In mutez: what it bears of its transfer's cost.", examples=["0"]),
    ]
    received: Annotated[
        str, Field(description="In mutez: what arrives, or has arrived.", examples=["28056046"])
    ]
    state: PayoutState
    reason: Annotated[
        str | None,
        Field(description="Why it is held or carried.", examples=["a transfer to it would fail"]),
    ]
    operation: Annotated[
        str | None,
        Field(
            description="Hash of this cycle's operation that pays it, once signed.",
            examples=[EXAMPLE_OPERATION],
        ),
    ]


class OperationView(BaseModel):
    """One operation signed for a cycle."""

    hash: Annotated[str, Field(examples=[EXAMPLE_OPERATION])]
    state: OperationState
    level: Annotated[int | None, Field(description="Of the block it is in.", examples=[6_543_210])]
    transfers: Annotated[int, Field(examples=[150])]
    amount: MutezText
    fee: MutezText
    burn: MutezText


def payout_view(payout: Payout, operation_hash: str | None) -> PayoutView:
    """Show a payout."""
    return PayoutView(
        owed_to=payout.owed_to,
        address=payout.address,
        kind=payout.kind,
        delegated_balance=str(payout.delegated_balance),
        gross=str(payout.gross),
        fee_basis_points=payout.fee_basis_points,
        fee=str(payout.fee),
        net=str(payout.net),
        withheld=str(payout.withheld),
        received=str(payout.received),
        state=payout.state,
        reason=payout.reason,
        operation=operation_hash,
    )


def operation_view(operation: Operation, transfers: TransferSums) -> OperationView:
    """Show an operation with the sums of its transfers."""
    return OperationView(
        hash=operation.hash,
        state=operation.state,
        level=operation.included_level,
        transfers=transfers.count,
        amount=str(transfers.amount),
        fee=str(operation.total_fee),
        burn=str(transfers.burn),
    )
