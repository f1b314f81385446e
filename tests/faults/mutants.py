"""Ways to break the code under test, each of which the fault tests must notice. Nothing else.

Each is a mistake that somebody made before, or could. Where one rule alone is backed by others, the
mutant takes the others out with it, and says so: what is shown is that the tests would notice.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final
from unittest.mock import patch

from sqlalchemy import update

from bakehouse.ledger import operations, payouts
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.schema import payouts as table
from bakehouse.ledger.states import Death, OperationState
from bakehouse.payments import confirm, inject, settle, sign
from bakehouse.payments.agreement import Agreement
from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.tezos.receipt import IncludedOperation
from bakehouse.tezos.signed_operation import seal
from bakehouse.tezos.testimony import Testimony

_SIGN: Final = sign.sign_and_store
_INJECT: Final = inject.inject
_CHECK_DEPTH: Final = confirm._check_depth


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to break the code: names that are replaced, and SQL done to the ledger."""

    what: str
    #: What is replaced, as `module.name`, by what.
    patches: dict[str, Any] = field(default_factory=dict)
    sql: tuple[str, ...] = ()
    #: What befalls it, where that is not left to the seed: kinds of faults, and rates by name.
    faults: tuple[Fault, ...] | None = None
    rates: dict[str, float] = field(default_factory=dict)
    delegators: int | None = None
    #: The first of some seeds of which at least one shows the harm.
    seed: int = 0

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Break the code while the block runs."""
        with ExitStack() as stack:
            for name, replacement in self.patches.items():
                stack.enter_context(patch(f"bakehouse.{name}", replacement))
            yield


async def _inject_before_storing(
    payer: Any, lease: Any, signer: Any, distribution: Any, prepared: Any
) -> str:
    signed = await seal(prepared.group, signer)
    await payer.node.broadcast(signed.signed_bytes)
    return await _SIGN(payer, lease, signer, distribution, prepared)


async def _take_an_error_for_a_refusal(payer: Any, operation: Any) -> None:
    """Sign anew when a node did not say yes."""
    await _INJECT(payer, operation)
    answers = await payer.node.broadcast(operation.signed_bytes)
    async with payer.ledger.write() as tx:
        now = await operations.find(tx, operation.hash)
        assert now is not None
        if now.state is OperationState.INJECTED and any(answer.error for answer in answers):
            await _give_up(payer, tx, now)


async def _give_up(payer: Any, tx: Any, operation: Any) -> None:
    await operations.enter_state(
        tx, operation, OperationState.DEAD, at=payer.clock(), death=Death.EXPIRED
    )
    await payouts.release_operation(tx, operation.id, held=[])


async def _die_of_impatience(payer: Any, operation: Any, final: Any) -> Death | None:
    """Take an operation for dead that is in no block after two of them."""
    del payer
    return Death.EXPIRED if final.level >= operation.born_level + 2 else None


async def _agree_alone(payer: Any, level: int, block: str) -> Agreement:
    """Take one node's word for everybody's."""
    del payer
    yes = Testimony("node", confirms=True, words=f"block {level} is {block}")
    return Agreement((yes, replace(yes, source="the same node")))


async def _see_nobody_paid(*_: Any) -> dict[int, Any]:
    """Look back and see nothing."""
    return {}


async def _watch_only_the_newest_block(payer: Any, operation: Any, head: Any) -> None:
    """Search the head alone, and take what is not there for not sent."""
    if operation.hash in await payer.node.operation_hashes(head.hash):
        await confirm._enter_included(payer, operation, head)
        return
    if operation.state is OperationState.INJECTED:
        async with payer.ledger.write() as tx:
            await _give_up(payer, tx, operation)
        return
    await _INJECT(payer, operation)


async def _wait_for_nothing(payer: Any, operation: Any, head: Any, blocks_wait: int) -> None:
    """Settle what is in a block at once."""
    del blocks_wait
    await _CHECK_DEPTH(payer, operation, head, 0)


async def _settle_without_a_second_look(
    payer: Any, operation: Any, head: Any, blocks_wait: int
) -> None:
    """Call final what was in a block once, wherever that block is now."""
    del blocks_wait
    if head.level > operation.included_level:
        await settle.settle(payer, operation, IncludedOperation(operation.hash, ()))


def _float_share(amount: int, part: int, whole: int) -> Mutez:
    return Mutez(int(round(amount / 1_000_000 * part / whole, 6) * 1_000_000))


def _share_rounded_up(amount: int, part: int, whole: int) -> Mutez:
    return Mutez(-(-amount * part // whole))


async def _grant_to_everybody(  # noqa: PLR0913 - as it is called
    tx: Any, network: str, source: str, *, holder: str, at: Any, seconds: int
) -> Lease:
    del tx, at, seconds
    return Lease(network, source, holder, 0)


async def _assign_anyway(tx: Any, settled: Any) -> None:
    """Bind payouts to transfers, whatever state they are in."""
    for payout_id, transfer_id, _ in settled:
        values = {"state": "assigned", "transfer_id": transfer_id}
        await tx.execute(update(table).where(table.c.id == payout_id).values(**values))


def _anything_goes(*_: Any, **__: Any) -> None:
    """Check nothing."""


async def _nothing_to_check(*_: Any, **__: Any) -> None:
    """Check nothing."""


SOUND: Final = Mutant("nothing is broken")

_NO_LOOK_BACK: Final = {"payments.send.paid_elsewhere": _see_nobody_paid}
_NO_SECOND_VOICE: Final = {
    "payments.confirm.agree_on_block": _agree_alone,
    "payments.look_back.agree_on_block": _agree_alone,
}

#: Nothing strikes: the mistake does its harm by itself.
_CALM: Final = {"fault": 0.0, "crash": 0.0, "kill": 0.0, "restore": 0.0, "person": 0.0}

MUTANTS: Final[dict[str, Mutant]] = {
    "send-before-storing": Mutant(
        "bytes are sent before they are stored, and nobody looks back",
        {"payments.send.sign_and_store": _inject_before_storing, **_NO_LOOK_BACK},
        rates={**_CALM, "crash": 0.05},
        seed=11,
    ),
    "no-finality": Mutant(
        "what is in a block counts at once as paid, on one node's word",
        {"payments.confirm._check_depth": _wait_for_nothing, **_NO_SECOND_VOICE},
        faults=(Fault.REORG,),
        rates={**_CALM, "fault": 0.012, "bake": 0.025},
        delegators=12,
        seed=1,
    ),
    "no-gap-check": Mutant(
        "only the newest block is searched, and what is not there is signed anew",
        {"payments.confirm._look_for": _watch_only_the_newest_block, **_NO_LOOK_BACK},
    ),
    "no-lease": Mutant(
        "no lease, nor the constraints behind it: two processes sign what they like",
        {
            "ledger.leases.acquire": _grant_to_everybody,
            "ledger.leases.require_current": _nothing_to_check,
            "ledger.payouts.assign": _assign_anyway,
            **_NO_LOOK_BACK,
        },
        (
            "DROP TRIGGER operations_one_in_flight",
            "DROP INDEX uq_operations_counter",
            "DROP INDEX uq_operations_paying_counter",
            "DROP TRIGGER payouts_legal_moves",
        ),
        rates=_CALM,
        seed=5,
    ),
    "no-look-back": Mutant(
        "a ledger restored from an old backup pays on from there",
        {**_NO_LOOK_BACK},
        rates={**_CALM, "restore": 0.01},
        seed=1,
    ),
    "sign-anew-on-error": Mutant(
        "an error in reply to an injection is taken for a refusal",
        {"payments.confirm.inject": _take_an_error_for_a_refusal, **_NO_LOOK_BACK},
        faults=(Fault.REPLY_LOST_AFTER_ACCEPTANCE,),
        rates={**_CALM, "fault": 0.05},
        seed=10,
    ),
    "impatience": Mutant(
        "an operation is taken for dead before its branch has expired",
        {
            "payments.death._cause": _die_of_impatience,
            "payments.death._counters_fit": lambda *_: True,
            **_NO_LOOK_BACK,
        },
        faults=(Fault.STUCK_UNTIL_EXPIRY, Fault.FEE_SPIKE),
        rates={**_CALM, "fault": 0.03},
        seed=1,
    ),
    "included-is-applied": Mutant(
        "an operation in a block counts as paid, whatever its receipts say",
        {
            "payments.settle.is_applied": lambda _: True,
            "payments.confirm.is_applied": lambda _: True,
        },
        faults=(Fault.INCLUDED_BUT_FAILED,),
        rates={**_CALM, "fault": 0.03},
        seed=4,
    ),
    "no-reorganisation": Mutant(
        "a block that held an operation is never looked at again",
        {
            "payments.confirm._check_depth": _settle_without_a_second_look,
            "payments.settle.is_applied": lambda _: True,
        },
        faults=(Fault.REORG,),
        rates={**_CALM, "fault": 0.012, "bake": 0.025},
        delegators=12,
        seed=21,
    ),
    "float-money": Mutant(
        "amounts are floats, and no proof is asked of the plan",
        {"rewards.plan.share_floor": _float_share, "rewards.plan.prove": _anything_goes},
        rates=_CALM,
    ),
    "rounding-up": Mutant(
        "shares are rounded up for the payee, and no proof is asked of the plan",
        {"rewards.plan.share_floor": _share_rounded_up, "rewards.plan.prove": _anything_goes},
        rates=_CALM,
    ),
    "short-pages": Mutant(
        "a split that does not add up is paid from, and no proof is asked of the plan",
        {
            "tezos.rewards_split._check_sum": _anything_goes,
            "rewards.plan._refuse_inconsistent": _anything_goes,
            "rewards.plan.prove": _anything_goes,
        },
        faults=(Fault.TRUNCATED_PAGES,),
        rates={**_CALM, "fault": 0.05},
        seed=4,
    ),
    "forget-carried": Mutant(
        "what was carried below the minimum is forgotten",
        {"payments.plan._released": lambda *_: []},
        rates=_CALM,
        seed=10,
    ),
}
