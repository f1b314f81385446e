"""Cycles in every state a page can show, entered in a ledger as the house itself enters them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import distributions, leases, new_operations, operations, payouts
from bakehouse.ledger.distributions import Distribution, DistributionKey, PlanFigures
from bakehouse.ledger.new_operations import NewOperation, NewTransfer
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import NewPayout, Payout
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    OperationKind,
    OperationState,
    PayoutState,
)
from bakehouse.ledger.transfers import record_receipts
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.tezos.base58check import Prefix, encode

OWN_PART = 7
DUST = 2
FEE = 5
LEVEL = 4_200_000
SOURCE_FEE = 400
BURN = 64_250


def address(number: int) -> str:
    """A valid address that nobody has the key of."""
    return encode(Prefix.TZ1, number.to_bytes(20))


def operation_hash(number: int) -> str:
    return encode(Prefix.OPERATION_HASH, number.to_bytes(32))


@dataclass(frozen=True, slots=True)
class Scene:
    """Enters one distribution, in the caller's transaction."""

    tx: AsyncConnection
    key: DistributionKey
    at: datetime
    #: Mutez that the baker takes of each payout, and that it earned itself.
    fee: int = FEE
    own_part: int = OWN_PART
    #: What the plan was made from, as JSON.
    snapshot: str = "{}"

    async def see(self) -> Distribution:
        """Only noticed: nothing is planned."""
        return await distributions.ensure(self.tx, self.key, at=self.at)

    async def plan(self, nets: Mapping[str, int]) -> Distribution:
        """Plan what each address is owed net, in mutez."""
        seen = await self.see()
        await self.enter(seen, DistributionState.REWARDS_PENDING)
        net, fees = sum(nets.values()), self.fee * len(nets)
        parts = (Mutez(self.own_part), Mutez(fees), Mutez(net), Mutez(DUST))
        await distributions.store_plan(
            self.tx,
            seen,
            PlanFigures(Mutez(sum(parts)), *parts, zero_payouts=1),
            snapshot=self.snapshot,
            snapshot_sha256="ab" * 32,
            at=self.at,
        )
        await self.enter(seen, DistributionState.PLANNED)
        await payouts.add(self.tx, seen, [self._payout(*item) for item in nets.items()])
        return await distributions.get(self.tx, self.key)

    async def simulate(self, nets: Mapping[str, int]) -> Distribution:
        """Take a simulation to its end."""
        planned = await self.plan(nets)
        await self.enter(planned, DistributionState.SIMULATED)
        return await distributions.get(self.tx, self.key)

    async def sign(self, nets: Mapping[str, int], counter: int) -> Operation:
        """Plan, and sign one operation for everybody."""
        return await self.sign_owed(await self.plan(nets), counter)

    async def sign_owed(self, planned: Distribution, counter: int) -> Operation:
        """Sign one operation for what a plan still owes."""
        await self.enter(planned, DistributionState.PAYING)
        owed = await payouts.in_state(self.tx, planned, PayoutState.OWED)
        new = _new_operation(self.key.baker_id, counter, owed)
        lease = await leases.acquire(
            self.tx, self.key.network, new.source, holder="scene", at=self.at, seconds=9
        )
        assert lease is not None
        await new_operations.store_signed(self.tx, planned, new, lease, at=self.at)
        (signed,) = await operations.of_distribution(self.tx, planned.id)
        return signed

    async def pay(self, nets: Mapping[str, int], counter: int) -> Distribution:
        """Take a payment to its end: signed, sent, included, final, settled."""
        return await self.go_on(await self.plan(nets), counter)

    async def go_on(self, planned: Distribution, counter: int) -> Distribution:
        """Pay what a plan still owes; what is held stays so."""
        signed = await self.sign_owed(planned, counter)
        await self._enter_operation(signed, OperationState.INJECTED)
        await operations.enter_state(
            self.tx,
            signed,
            OperationState.INCLUDED,
            at=self.at,
            included_level=LEVEL + counter,
            included_block="BL",
            applied=True,
        )
        await record_receipts(self.tx, signed, [(0, "applied", Mutez(BURN))])
        await self._enter_operation(signed, OperationState.FINAL)
        await payouts.settle_operation(self.tx, signed.id)
        paying = await distributions.get(self.tx, self.key)
        await self.enter(paying, DistributionState.PAID)
        return await distributions.get(self.tx, self.key)

    async def fail(self, message: str) -> Distribution:
        """Fail before anything was planned."""
        seen = await self.see()
        await self.enter(seen, DistributionState.FAILED, message)
        return await distributions.get(self.tx, self.key)

    async def enter(
        self, distribution: Distribution, state: DistributionState, message: str | None = None
    ) -> None:
        await distributions.enter_state(self.tx, distribution, state, at=self.at, message=message)

    def _payout(self, owed_to: str, net: int) -> NewPayout:
        is_bond_pool = self.key.kind is DistributionKind.BOND_POOL
        return NewPayout(
            kind=PayoutKind.BOND_MEMBER if is_bond_pool else PayoutKind.DELEGATOR,
            owed_to=owed_to,
            delegated_balance=Mutez(1_000 * net),
            gross=Mutez(net + self.fee),
            fee_basis_points=BasisPoints(995),
            fee=Mutez(self.fee),
            net=Mutez(net),
            state=PayoutState.OWED if self.key.mode is Mode.ON else PayoutState.SIMULATED,
        )

    async def _enter_operation(self, operation: Operation, state: OperationState) -> None:
        await operations.enter_state(self.tx, operation, state, at=self.at)


def _new_operation(source: str, counter: int, owed: Sequence[Payout]) -> NewOperation:
    paid = [_transfer(place, *_destined(payout)) for place, payout in enumerate(owed)]
    return _group(source, counter, tuple(paid))


def new_operation(source: str, counter: int, amounts: Mapping[str, int]) -> NewOperation:
    """A signed group that pays for nothing that is owed."""
    sent = [_transfer(place, *item) for place, item in enumerate(amounts.items())]
    return replace(_group(source, counter, tuple(sent)), kind=OperationKind.MANUAL)


def _destined(payout: Payout) -> tuple[str, int, tuple[int, ...]]:
    return payout.address, payout.net, (payout.id,)


def _transfer(
    position: int, destination: str, amount: int, payout_ids: tuple[int, ...] = ()
) -> NewTransfer:
    return NewTransfer(
        position=position,
        destination=destination,
        amount=Mutez(amount),
        fee=Mutez(SOURCE_FEE),
        gas_limit=200,
        storage_limit=0,
        payout_ids=payout_ids,
    )


def _group(source: str, counter: int, transfers: tuple[NewTransfer, ...]) -> NewOperation:
    return NewOperation(
        source=source,
        hash=operation_hash(counter),
        signed_bytes=counter.to_bytes(8),
        protocol="Pt",
        branch="BL",
        branch_level=LEVEL,
        last_includable_level=LEVEL + 601,
        counter_first=counter,
        content_count=len(transfers),
        total_fee=Mutez(SOURCE_FEE * len(transfers)),
        gas_limit=sum(transfer.gas_limit for transfer in transfers),
        born_level=LEVEL,
        born_block="BL",
        transfers=transfers,
    )
