"""Whichever call to the world fails, once, and however: everybody is paid once after all.

FAULT_SCALE makes it larger: from 2 every call is failed in every way, and each step adds
two delegators. At 1, each way of failing takes every 13th call, and begins with another one.
"""

import pytest
from sqlalchemy.exc import OperationalError

from bakehouse.errors import BakehouseError
from bakehouse.payments.payer import PaymentLimits
from tests.fault_scale import FAULT_SCALE
from tests.payments.conftest import OpenHostileBaker
from tests.payments.failing_once import FAILURES, Nth
from tests.payments.hostile_baker import HostileBaker, assert_paid_once
from tests.payments.surroundings import small_chain

STRIDE = 19 if FAULT_SCALE == 1 else 1
#: More calls than a run makes: a sweep that gets here never came to an end.
CALLS_MAX = 400 * FAULT_SCALE
STEPS_MAX = 60

LIMITS = PaymentLimits(transfers_max=3, life_blocks=6, proof_patience_blocks=4)


async def pay_as_a_queue_would(baker: HostileBaker) -> None:
    """Step after step, a block after each; what raises is tried again."""
    for _ in range(STEPS_MAX):
        try:
            if (await baker.step()).is_settled:
                return
        except (BakehouseError, OperationalError):
            # A job fails, and is run again.
            pass
        baker.bake()
    raise AssertionError("it is not settled")


@pytest.mark.parametrize("failure", FAILURES)
async def test_one_failure_at_any_call_leaves_everybody_paid_once(
    open_hostile: OpenHostileBaker, failure: str
) -> None:
    begin = 1 + list(FAILURES).index(failure) % STRIDE
    chain = small_chain(delegator_count=2 * FAULT_SCALE + 1)
    for number in range(begin, CALLS_MAX, STRIDE):
        nth = Nth(number)
        baker = await open_hostile(chain, LIMITS, node_count=1)
        armed = FAILURES[failure](baker, nth)
        try:
            await pay_as_a_queue_would(armed)
            armed.way.be_good()
            armed.way.before = None
            await assert_paid_once(baker)
        except Exception as error:
            error.add_note(f"{failure} at call {number} (seed of the chain: {chain.seed})")
            raise
        if not nth.has_struck:
            return
    pytest.fail(f"a run makes more than {CALLS_MAX} calls")
