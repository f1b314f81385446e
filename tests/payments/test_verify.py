"""Matching ledger and chain after paying: clean when all is well, and every difference is found."""

from collections.abc import Awaitable, Callable

import pytest

from bakehouse.errors import SourceError
from bakehouse.ledger import bakers
from bakehouse.payments.verification import DifferenceKind, Verification
from bakehouse.payments.verify import verify, verify_settled
from bakehouse.sandbox.draw import draw_text
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.tezos.base58check import Prefix
from tests.payments.hostile_baker import BAD_GATEWAY, HostileBaker, altered
from tests.payments.provocations import tamper
from tests.sandbox.sandbox_wallet import UNUSED

OTHER_BLOCK = draw_text(Prefix.BLOCK_HASH, "another block")

Difference = Callable[[HostileBaker], Awaitable[str]]


@pytest.fixture
async def paid(hostile: HostileBaker) -> HostileBaker:
    assert (await hostile.pay()).is_settled
    return hostile


async def verified(baker: HostileBaker) -> Verification:
    async with baker.payer.ledger.read() as tx:
        registered = await bakers.get(tx, baker.baker_id)
    return await verify(baker.payer, registered, [await baker.distribution()])


def pay_from_elsewhere(baker: HostileBaker, destination: str) -> str:
    baker.sandbox.inflict(Fault.FOREIGN_COUNTER, destination=destination, amount=7)
    baker.bake()
    (foreign,) = baker.sandbox.foreign
    return foreign


async def test_what_was_paid_matches_the_chain_to_the_mutez(paid: HostileBaker) -> None:
    found = await verified(paid)

    rows = await paid.payouts()
    assert found.differences == []
    assert (found.distributions, found.payouts, found.transfers) == (1, len(rows), len(rows))
    assert found.mutez == sum(row.net for row in rows) == paid.paid_on_chain().total()
    assert found.other_transfers == 0


async def test_a_cycle_that_is_half_paid_matches_too(hostile: HostileBaker) -> None:
    await hostile.step()
    for _ in range(3):
        hostile.bake()
        await hostile.step()

    found = await verified(hostile)

    assert found.differences == []
    assert 0 < found.payouts < len(await hostile.payouts())


async def test_a_transfer_to_somebody_else_is_counted_and_no_difference(
    paid: HostileBaker,
) -> None:
    pay_from_elsewhere(paid, UNUSED[0])

    found = await verified(paid)

    assert (found.differences, found.other_transfers) == ([], 1)


async def block_disputed(baker: HostileBaker) -> str:
    baker.way.treat(
        "node-1 GET .*/blocks/[0-9]+/header", altered(lambda each: {**each, "hash": OTHER_BLOCK})
    )
    return OTHER_BLOCK


async def receipt_of_another_amount(baker: HostileBaker) -> str:
    first, *_ = await baker.operations()
    transfer, *_ = await baker.transfers_of(first)
    tamper(
        baker,
        "DROP TRIGGER transfers_fixed",
        f"UPDATE transfers SET amount = amount + 1 WHERE id = {transfer.id}",  # noqa: S608 - a test's own ledger
    )
    return f"{transfer.amount} mutez went to {transfer.destination}, not {transfer.amount + 1}"


async def operation_not_in_its_block(baker: HostileBaker) -> str:
    first, *_ = await baker.operations()
    baker.way.treat(
        f"node-0 GET .*/blocks/{first.included_block}/operations/3", altered(lambda _: [])
    )
    return f"{first.hash}: it is not in block {first.included_level}"


async def operation_without_all_its_contents(baker: HostileBaker) -> str:
    first, *_ = await baker.operations()
    tamper(
        baker,
        "DROP TRIGGER operations_fixed",
        f"UPDATE operations SET content_count = content_count + 1 WHERE id = {first.id}",  # noqa: S608 - a test's own ledger
    )
    return f"contents, not {first.content_count + 1}"


async def called_failed_although_applied(baker: HostileBaker) -> str:
    first, *_ = await baker.operations()
    tamper(baker, f"UPDATE operations SET applied = 0 WHERE id = {first.id}")  # noqa: S608 - a test's own ledger
    return "is applied"


async def called_paid_by_what_is_not_final(baker: HostileBaker) -> str:
    first, *_ = await baker.operations()
    transfer, *_ = await baker.transfers_of(first)
    tamper(
        baker,
        "DROP TRIGGER operations_legal_moves",
        f"UPDATE operations SET state = 'included' WHERE id = {first.id}",  # noqa: S608 - a test's own ledger
    )
    return f"{transfer.destination} is called paid"


async def withheld_more_than_was(baker: HostileBaker) -> str:
    payout, *_ = await baker.payouts()
    change = f"UPDATE payouts SET withheld = 1 WHERE id = {payout.id}"  # noqa: S608 - a test's own
    tamper(baker, "DROP TRIGGER payouts_withheld_fixed", change)
    return f"went to {payout.address}, its payouts give {payout.net - 1}"


async def planned_otherwise(baker: HostileBaker) -> str:
    tamper(baker, "UPDATE distributions SET total_net = total_net + 1, dust = dust - 1")
    return "the payouts add up to"


async def indexer_without_a_transfer(baker: HostileBaker) -> str:
    baker.way.treat("indexer GET /v1/operations/transactions", altered(lambda page: page[:-1]))
    return "the indexer shows other transfers than were signed"


async def indexer_with_another_amount(baker: HostileBaker) -> str:
    def alter(page: list[dict[str, int]]) -> list[dict[str, int]]:
        page[0]["amount"] += 1
        return page

    baker.way.treat("indexer GET /v1/operations/transactions", altered(alter))
    return "the indexer shows other transfers than were signed"


async def paid_from_elsewhere(baker: HostileBaker) -> str:
    recipient = (await baker.payouts())[2].address
    foreign = pay_from_elsewhere(baker, recipient)
    return f"{recipient} was paid 0.000007 tez in block {baker.chain.head.level} by {foreign}"


async def trail_changed(baker: HostileBaker) -> str:
    tamper(
        baker,
        "DROP TRIGGER audit_events_no_update",
        "UPDATE audit_events SET actor = 'nobody' WHERE id = 3",
    )
    return "the audit trail is broken at event 3"


#: What is done to a ledger or a chain, and which kind of difference that is.
DIFFERENCES: list[tuple[DifferenceKind, Difference]] = [
    (DifferenceKind.BLOCK, block_disputed),
    (DifferenceKind.RECEIPT, receipt_of_another_amount),
    (DifferenceKind.RECEIPT, operation_not_in_its_block),
    (DifferenceKind.RECEIPT, operation_without_all_its_contents),
    (DifferenceKind.RECEIPT, called_failed_although_applied),
    (DifferenceKind.PAYOUT, called_paid_by_what_is_not_final),
    (DifferenceKind.PAYOUT, withheld_more_than_was),
    (DifferenceKind.PLAN, planned_otherwise),
    (DifferenceKind.TRANSFER, indexer_without_a_transfer),
    (DifferenceKind.TRANSFER, indexer_with_another_amount),
    (DifferenceKind.UNKNOWN, paid_from_elsewhere),
    (DifferenceKind.AUDIT, trail_changed),
]


@pytest.mark.parametrize(("kind", "differ"), DIFFERENCES)
async def test_a_difference_is_found_and_told_by_its_kind(
    paid: HostileBaker, kind: DifferenceKind, differ: Difference
) -> None:
    words = await differ(paid)

    found = await verified(paid)

    told = [each.words for each in found.differences if each.kind is kind]
    assert told, found.differences
    assert words in "; ".join(told)


def test_every_kind_of_difference_is_provoked() -> None:
    assert {kind for kind, _ in DIFFERENCES} == set(DifferenceKind)


@pytest.mark.parametrize("source", ["node-.", "indexer", ".*"])
async def test_a_chain_that_cannot_be_read_is_never_called_the_same(
    paid: HostileBaker, source: str
) -> None:
    paid.way.treat(f"{source} .*", BAD_GATEWAY)

    try:
        found = await verified(paid)
    except SourceError:
        return
    assert found.differences


async def test_a_distribution_that_was_verified_is_noted_whatever_was_found(
    paid: HostileBaker,
) -> None:
    pay_from_elsewhere(paid, (await paid.payouts())[0].address)
    async with paid.payer.ledger.read() as tx:
        registered = await bakers.get(tx, paid.baker_id)
    assert (await paid.distribution()).verified_at is None

    found = await verify_settled(paid.payer, registered, await paid.distribution())

    assert [each.kind for each in found.differences] == [DifferenceKind.UNKNOWN]
    assert (await paid.distribution()).verified_at is not None
