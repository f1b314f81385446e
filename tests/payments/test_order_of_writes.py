"""What is on disk when the first byte of an injection reaches a node."""

import sqlite3
from collections.abc import Callable
from typing import Any

from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.tezos.signed_operation import operation_hash
from tests.payments.chain_front import INJECTION, Call, bad_gateway
from tests.payments.paying_baker import PayingBaker

Look = Callable[[sqlite3.Connection], Any]


def looking_at(baker: PayingBaker, look: Look, seen: list[Any]) -> Callable[[Call], Any]:
    """Look at the ledger as another process sees it, before a byte of the request is taken."""

    async def treatment(call: Call) -> None:
        other = sqlite3.connect(baker.surroundings.database)
        try:
            seen.append(look(other))
        finally:
            other.close()
        await call.hand_on()

    return treatment


async def test_bytes_hash_and_state_are_committed_before_the_first_byte_leaves(
    baker: PayingBaker,
) -> None:
    seen: list[list[tuple[str, str, bytes]]] = []
    newest = "SELECT state, hash, signed_bytes FROM operations ORDER BY id DESC LIMIT 1"
    baker.front.treat(
        INJECTION, looking_at(baker, lambda other: other.execute(newest).fetchall(), seen)
    )

    await baker.pay()

    signed = await baker.operations()
    assert seen == [
        [(OperationState.INJECTED, operation.hash, operation.signed_bytes)] for operation in signed
    ]
    assert [operation_hash(rows[0][2]) for rows in seen] == [each.hash for each in signed]


async def test_payouts_are_bound_to_their_transfers_before_the_first_byte_leaves(
    baker: PayingBaker,
) -> None:
    seen: list[list[tuple[str, int, str, int]]] = []
    bound = """
        SELECT transfers.destination, transfers.amount, payouts.state, sum(payouts.net)
        FROM transfers JOIN payouts ON payouts.transfer_id = transfers.id
        WHERE transfers.operation_id = (SELECT max(id) FROM operations)
        GROUP BY transfers.id ORDER BY transfers.position
    """
    baker.front.treat(
        INJECTION, looking_at(baker, lambda other: other.execute(bound).fetchall(), seen)
    )

    await baker.pay()

    sent = [
        (row.destination, row.amount, PayoutState.ASSIGNED, row.amount) for row in baker.transfers()
    ]
    assert [row for rows in seen for row in rows] == sent


async def test_the_same_bytes_are_sent_until_a_block_holds_them(baker: PayingBaker) -> None:
    bodies: list[bytes] = []

    async def keep_and_refuse(call: Call) -> None:
        bodies.append((await call.receive())["body"])
        await bad_gateway(call)

    baker.front.treat(INJECTION, keep_and_refuse)
    for _ in range(4):
        assert (await baker.step()).waiting_for == "a block"
        baker.bake()

    (operation,) = await baker.operations()
    assert len(bodies) > 1
    assert {bytes.fromhex(body.decode().strip('"')) for body in bodies} == {operation.signed_bytes}


async def test_what_nodes_said_is_kept_as_evidence(baker: PayingBaker) -> None:
    baker.front.treat(INJECTION, bad_gateway, times=1)

    await baker.pay()

    answers = await baker.answers_to(await baker.operations())
    first, second, *_ = await baker.operations()
    assert "HTTP 502" in answers[first.hash][0]
    assert answers[first.hash][1:] == [first.hash]
    assert answers[second.hash] == [second.hash]
