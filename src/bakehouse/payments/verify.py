"""Reading the chain again: every payout the ledger calls paid, and every transfer the chain shows.

Both ways, by sources that are asked anew; nothing is changed here but for noting that it was done.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bakehouse.errors import NodeRefusedError
from bakehouse.ledger import audit, distributions, operations, payout_sums, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import Mode, OperationState, PayoutState
from bakehouse.ledger.transfers import Transfer, settled_transfers, transfers_of
from bakehouse.payments.agreement import agree_on_block
from bakehouse.payments.payer import Payer
from bakehouse.payments.settle import is_as_signed
from bakehouse.payments.verification import DifferenceKind, Verification
from bakehouse.payments.verify_imported import check_imported
from bakehouse.rewards.money import Mutez, format_tez
from bakehouse.tezos.address import Address
from bakehouse.tezos.indexer_history import SentTransfer
from bakehouse.tezos.receipt import IncludedOperation, Status

#: Payouts of one distribution; more than any baker has delegators.
_PAYOUTS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class _Books:
    """What the ledger has of one distribution."""

    distribution: Distribution
    payouts: tuple[Payout, ...]
    operations: tuple[tuple[Operation, tuple[Transfer, ...]], ...]
    planned: Mutez
    #: What the payouts that each transfer settles give their recipients.
    received: Mapping[int, Mutez]


async def verify(payer: Payer, baker: Baker, chosen: Sequence[Distribution]) -> Verification:
    """Match the chosen live distributions of a baker with the chain, both ways.

    Raises SourceError when the chain cannot be read: then nothing was found, good or bad.
    """
    result = Verification()
    books = [await _books(payer, each) for each in chosen if each.key.mode is Mode.ON]
    for book in books:
        await _ledger_against_chain(payer, book, result)
    # What another tool sent meanwhile, for what else it may have been, is not for us to match.
    ours = [book for book in books if not book.distribution.is_imported]
    if ours:
        await _chain_against_ledger(payer, baker, ours, result)
    imported = [book.distribution for book in books if book.distribution.is_imported]
    if imported:
        await check_imported(payer, baker, imported, result)
    async with payer.ledger.read() as tx:
        broken = await audit.first_broken_link(tx)
    if broken is not None:
        result.differ(DifferenceKind.AUDIT, None, f"the audit trail is broken at event {broken}")
    return result


async def verify_orders(payer: Payer, baker: Baker) -> Verification:
    """Match what was done outside any cycle with its blocks; raises SourceError like `verify`."""
    result = Verification()
    async with payer.ledger.read() as tx:
        done = await operations.final_by_hand(tx, baker.baker_id)
        signed = [(each, await transfers_of(tx, each.id)) for each in done]
    for operation, transfers in signed:
        await _check_final(payer, operation, transfers, None, result)
    return result


async def _books(payer: Payer, distribution: Distribution) -> _Books:
    async with payer.ledger.read() as tx:
        signed = await operations.of_distribution(tx, distribution.id)
        moved = {each.id: tuple(await transfers_of(tx, each.id)) for each in signed}
        ids = [transfer.id for transfers in moved.values() for transfer in transfers]
        return _Books(
            distribution=distribution,
            payouts=tuple(await payouts.of_distribution(tx, distribution, limit=_PAYOUTS_MAX)),
            operations=tuple((each, moved[each.id]) for each in signed),
            planned=await payouts.total_of_cycle(tx, distribution),
            received=await payout_sums.received_by_transfer(tx, ids),
        )


async def _ledger_against_chain(payer: Payer, book: _Books, result: Verification) -> None:
    cycle = book.distribution.key.cycle
    result.distributions += 1
    if book.distribution.is_planned and book.planned != book.distribution.figures.total_net:
        result.differ(
            DifferenceKind.PLAN,
            cycle,
            f"the payouts add up to {book.planned} mutez, the plan to "
            f"{book.distribution.figures.total_net}",
        )
    for operation, transfers in book.operations:
        if operation.state is OperationState.FINAL:
            await _check_final(payer, operation, transfers, cycle, result)
            _check_settled(book, operation, transfers, result)
    await _check_paid(payer, book, result)


async def _check_final(
    payer: Payer,
    operation: Operation,
    transfers: Sequence[Transfer],
    cycle: int | None,
    result: Verification,
) -> None:
    level, block = operation.included_level or 0, operation.included_block or ""
    agreement = await agree_on_block(payer, level, block)
    if not agreement.is_reached:
        result.differ(DifferenceKind.BLOCK, cycle, f"{operation.hash}, block {level}: {agreement}")
        return
    try:
        included = await payer.node.manager_operations(block)
    except NodeRefusedError as error:
        result.differ(
            DifferenceKind.RECEIPT, cycle, f"{operation.hash}: no receipt: {error.message}"
        )
        return
    found = next((each for each in included if each.hash == operation.hash), None)
    result.transfers += len(transfers)
    for words in _unlike(operation, transfers, found):
        result.differ(DifferenceKind.RECEIPT, cycle, f"{operation.hash}: {words}")


def _check_settled(
    book: _Books, operation: Operation, transfers: Sequence[Transfer], result: Verification
) -> None:
    """Hold each transfer against what its payouts give: owed, less what is borne of its cost."""
    for transfer in transfers if operation.applied else ():
        received = book.received.get(transfer.id, 0)
        if received != transfer.amount:
            result.differ(
                DifferenceKind.PAYOUT,
                book.distribution.key.cycle,
                f"{operation.hash}: {transfer.amount} mutez went to {transfer.destination}, its "
                f"payouts give {received}",
            )


def _unlike(
    operation: Operation, transfers: Iterable[Transfer], found: IncludedOperation | None
) -> Iterable[str]:
    if found is None:
        yield f"it is not in block {operation.included_level}"
        return
    if len(found.contents) != operation.content_count:
        yield f"it has {len(found.contents)} contents, not {operation.content_count}"
        return
    for transfer in transfers:
        content = found.contents[transfer.position]
        if not is_as_signed(content, transfer):
            yield (
                f"{content.amount} mutez went to {content.destination}, not {transfer.amount} to "
                f"{transfer.destination}"
            )
        elif (content.result.status is Status.APPLIED) != operation.applied:
            yield f"the transfer to {transfer.destination} is {content.result.status}"


async def _check_paid(payer: Payer, book: _Books, result: Verification) -> None:
    cycle = book.distribution.key.cycle
    paid = [
        each
        for each in book.payouts
        if each.state is PayoutState.PAID and each.imported_payment_id is None
    ]
    async with payer.ledger.read() as tx:
        settled = await settled_transfers(
            tx, [each.transfer_id for each in paid if each.transfer_id is not None]
        )
    for payout in paid:
        result.payouts += 1
        result.mutez += payout.received
        if payout.transfer_id not in settled:
            result.differ(
                DifferenceKind.PAYOUT,
                cycle,
                f"{payout.owed_to} is called paid {format_tez(payout.received)} tez by an "
                "operation that is not final and applied",
            )


async def _chain_against_ledger(
    payer: Payer, baker: Baker, books: Sequence[_Books], result: Verification
) -> None:
    after_level = await payer.indexer.cycle_last_level(
        min(book.distribution.key.cycle for book in books)
    )
    sources = {baker.payout_address} | {
        operation.source for book in books for operation, _ in book.operations
    }
    for source in sorted(sources):
        _, sent = await payer.indexer.sent_transfers(Address(source), after_level=after_level)
        await _check_unknown(payer, books, sent, result)
        _check_sent(books, sent, source, result)


async def _check_unknown(
    payer: Payer, books: Sequence[_Books], sent: Sequence[SentTransfer], result: Verification
) -> None:
    async with payer.ledger.read() as tx:
        ours = await operations.living(tx, {each.operation_hash for each in sent})
    recipients = {payout.address for book in books for payout in book.payouts}
    for transfer in sent:
        if transfer.operation_hash in ours:
            continue
        if transfer.destination not in recipients:
            result.other_transfers += 1
            continue
        result.differ(
            DifferenceKind.UNKNOWN,
            None,
            f"{transfer.destination} was paid {format_tez(transfer.amount)} tez in block "
            f"{transfer.level} by {transfer.operation_hash}, which was not signed here",
        )


def _check_sent(
    books: Sequence[_Books], sent: Sequence[SentTransfer], source: str, result: Verification
) -> None:
    shown: dict[str, Counter[tuple[str, int]]] = {}
    for transfer in sent:
        shown.setdefault(transfer.operation_hash, Counter())[
            transfer.destination, transfer.amount
        ] += 1
    for book in books:
        for operation, transfers in book.operations:
            if operation.source != source or operation.state is not OperationState.FINAL:
                continue
            signed = Counter((each.destination, int(each.amount)) for each in transfers)
            # A cancellation pays oneself, and that is no transfer of ours to match.
            expected = signed if operation.applied and transfers else Counter()
            if transfers and shown.get(operation.hash, Counter()) != expected:
                result.differ(
                    DifferenceKind.TRANSFER,
                    book.distribution.key.cycle,
                    f"{operation.hash}: the indexer shows other transfers than were signed",
                )


async def verify_settled(payer: Payer, baker: Baker, distribution: Distribution) -> Verification:
    """Verify one distribution that was paid, and note that it was done, whatever was found."""
    found = await verify(payer, baker, [distribution])
    async with payer.ledger.write() as tx:
        await distributions.mark_verified(tx, distribution, at=payer.clock())
    return found
