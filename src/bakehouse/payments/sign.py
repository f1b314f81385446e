"""Signing a group and committing it to the ledger, before the first byte leaves the machine."""

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import OvertakenError, RefusalError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import bakers, new_operations
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.new_operations import NewOperation, NewTransfer
from bakehouse.ledger.states import OperationKind
from bakehouse.payments import guard
from bakehouse.payments.batch import TransferIntent
from bakehouse.payments.payer import Payer
from bakehouse.payments.prepare import PreparedGroup
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.operation import Content, Transaction
from bakehouse.tezos.signed_operation import SignedOperation, seal
from bakehouse.tezos.signer import Signer


async def sign_and_store(
    payer: Payer, lease: Lease, signer: Signer, distribution: Distribution, prepared: PreparedGroup
) -> str:
    """Sign the group and keep bytes, hash and transfers in one transaction; gives the hash.

    A crash before the commit leaves nothing signed that could have been sent; after it, the same
    bytes are there to be sent. Raises SignerError, EncodingError, OvertakenError when another
    group of the source is in flight or the lease was lost, or ConflictError when the baker was
    told otherwise meanwhile.
    """

    async def store(tx: AsyncConnection, new: NewOperation) -> None:
        guard.still_wanted(await bakers.get(tx, distribution.key.baker_id), signer.address)
        await new_operations.store_signed(tx, distribution, new, lease, at=payer.clock())

    return await sign_and_keep(payer, signer, prepared, OperationKind.PAYOUT, store)


async def sign_and_keep(
    payer: Payer,
    signer: Signer,
    prepared: PreparedGroup,
    kind: OperationKind,
    store: Callable[[AsyncConnection, NewOperation], Awaitable[None]],
) -> str:
    """Sign a group and have it stored in one transaction, by whoever knows what it is for.

    Gives its hash; raises as `sign_and_store`, and what `store` raises: then nothing was stored.
    """
    signed = await seal(prepared.group, signer)
    failpoint(Failpoint.AFTER_SIGN)
    new = _new_operation(prepared, signed, kind)
    try:
        async with payer.ledger.write() as tx:
            await store(tx, new)
    except IntegrityError as error:
        # The database has the last word on what two processes do at once.
        raise OvertakenError(
            f"another group of {signer.address} was signed at the same time: this one is not sent"
        ) from error
    failpoint(Failpoint.AFTER_PERSIST)
    return signed.hash


def _new_operation(
    prepared: PreparedGroup, signed: SignedOperation, kind: OperationKind
) -> NewOperation:
    context = prepared.context
    first = prepared.group.contents[0]
    replaces = prepared.replaces
    contents = prepared.group.contents[prepared.reveal_count :]
    # What a cancellation sends to oneself settles nothing.
    settling = [] if replaces else list(zip(contents, prepared.intents, strict=True))
    return NewOperation(
        kind=OperationKind.CANCEL if replaces else kind,
        replaces_id=replaces.id if replaces else None,
        source=first.source,
        hash=signed.hash,
        signed_bytes=signed.signed_bytes,
        protocol=context.head.protocol,
        branch=context.branch.hash,
        branch_level=context.branch.level,
        # A block's predecessor keeps ttl + 1 live blocks (octez, store.ml): so far it may go in.
        last_includable_level=context.branch.level + context.max_operations_ttl + 1,
        counter_first=first.counter,
        content_count=len(prepared.group.contents),
        total_fee=prepared.total_fee,
        gas_limit=sum(content.gas_limit for content in prepared.group.contents),
        born_level=context.final.level,
        born_block=context.final.hash,
        transfers=tuple(
            _new_transfer(prepared.reveal_count + index, content, intent)
            for index, (content, intent) in enumerate(settling)
        ),
    )


def _new_transfer(position: int, content: Content, intent: TransferIntent) -> NewTransfer:
    if not isinstance(content, Transaction):
        raise TypeError(f"content {position} is no transfer")
    if content.amount + sum(intent.withheld.values()) != intent.amount:
        raise RefusalError(
            f"the transfer to {content.destination} and what is withheld of it do not add up to "
            f"{intent.amount} mutez"
        )
    return NewTransfer(
        position=position,
        destination=content.destination,
        amount=Mutez(content.amount),
        fee=Mutez(content.fee),
        gas_limit=content.gas_limit,
        storage_limit=content.storage_limit,
        payout_ids=intent.payout_ids,
        withheld=intent.withheld,
    )
