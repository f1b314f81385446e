"""Applying valid operation groups to accounts: fees first, then all contents or none.

Valid groups only: whether a group may be in a block is `validation`'s. Simulation and baking both
come here, so what was simulated is what happens.
"""

from dataclasses import replace

from bakehouse.sandbox.account import CONTRACT_PREFIX, ROLLUP_PREFIX, Account, is_implicit
from bakehouse.sandbox.gas import (
    CONTENT_MILLIGAS,
    CONTRACT_TRANSFER_MILLIGAS,
    TRANSFER_MILLIGAS,
    reveal_milligas,
    signature_milligas,
)
from bakehouse.sandbox.ledger import Draft
from bakehouse.sandbox.node_error import NodeError, ProtocolError
from bakehouse.sandbox.protocol import ALLOCATION_BURN, MILLIGAS_PER_GAS, ORIGINATION_SIZE
from bakehouse.sandbox.receipt import SKIPPED, BalanceUpdate, Receipt, Status
from bakehouse.tezos.operation import (
    Content,
    Delegation,
    OperationGroup,
    Reveal,
    Transaction,
)


class ContentFailedError(Exception):
    """A content cannot be applied; the first of `errors` is the outermost.

    `applied` is its receipt if it was applied, and only what it takes in storage cannot be paid.
    """

    def __init__(self, *errors: NodeError, applied: Receipt | None = None) -> None:
        self.errors = errors
        self.applied = applied
        super().__init__("; ".join(error.text for error in errors))


def apply_group(draft: Draft, group: OperationGroup) -> tuple[Receipt, ...]:
    """Apply a valid group and give a receipt for each content.

    Fees are taken and counters used up whatever happens after. A content that fails undoes those
    before it and keeps those after it from being tried.
    """
    # Read before the fees, which may empty the account and so make it forget its key.
    signature = signature_milligas(_public_key(draft, group.contents[0]), group)
    for content in group.contents:
        _take_fee(draft, content)
    attempt = draft.branch()
    receipts: list[Receipt] = []
    for content in group.contents:
        try:
            receipts.append(_apply_content(attempt, content, 0 if receipts else signature))
        except ContentFailedError as failed:
            return _undone(receipts, failed, len(group.contents))
    draft.merge(attempt)
    return tuple(receipts)


def pay_fees(draft: Draft, proposer: str) -> tuple[BalanceUpdate, ...]:
    """Give the fees that were taken to the baker of the block; gives the block's movements."""
    if draft.fees == 0:
        return ()
    _credit(draft, proposer, draft.fees)
    return (
        BalanceUpdate("accumulator", -draft.fees, category="block fees"),
        BalanceUpdate("contract", draft.fees, contract=proposer),
    )


def _credit(draft: Draft, address: str, amount: int) -> None:
    account = draft.account(address) or draft.fresh_account()
    draft.write(address, replace(account, balance=account.balance + amount))


def _take_fee(draft: Draft, content: Content) -> None:
    account = draft.account(content.source)
    if account is None:
        raise AssertionError(f"{content.source} was validated and yet is not allocated")
    paid = replace(account, balance=account.balance - content.fee, counter=account.counter + 1)
    draft.write(content.source, paid)
    draft.global_counter += 1
    draft.fees += content.fee


def _undone(
    applied: list[Receipt], failed: ContentFailedError, content_count: int
) -> tuple[Receipt, ...]:
    backtracked = [replace(receipt, status=Status.BACKTRACKED) for receipt in applied]
    failure = (
        Receipt(Status.FAILED, errors=failed.errors)
        if failed.applied is None
        else replace(failed.applied, status=Status.BACKTRACKED, errors=failed.errors)
    )
    skipped = [SKIPPED] * (content_count - len(applied) - 1)
    return (*backtracked, failure, *skipped)


def _apply_content(draft: Draft, content: Content, signature: int) -> Receipt:
    match content:
        case Transaction():
            return _apply_transaction(draft, content, signature)
        case Reveal():
            return _apply_reveal(draft, content, signature)
        case Delegation():
            return _apply_delegation(draft, content, signature)


def _consume(content: Content, milligas: int) -> int:
    if milligas > content.gas_limit * MILLIGAS_PER_GAS:
        raise ContentFailedError(ProtocolError.GAS_EXHAUSTED_OPERATION())
    return milligas


def _apply_transaction(draft: Draft, content: Transaction, signature: int) -> Receipt:
    destination = content.destination
    if destination.startswith(ROLLUP_PREFIX):
        raise ContentFailedError(ProtocolError.TRANSFER_TO_SMART_ROLLUP())
    is_contract = destination.startswith(CONTRACT_PREFIX)
    if is_contract and draft.account(destination) is None:
        raise ContentFailedError(ProtocolError.NON_EXISTING_CONTRACT(contract=destination))
    if content.amount == 0 and not is_contract:
        raise ContentFailedError(ProtocolError.EMPTY_TRANSACTION(contract=destination))
    transfer = CONTRACT_TRANSFER_MILLIGAS if is_contract else TRANSFER_MILLIGAS
    milligas = _consume(content, transfer + signature)
    # Asked before anything moves, so that who pays itself all it has allocates nothing.
    allocated = draft.account(destination) is None
    _spend(draft, content.source, content.amount)
    _credit(draft, destination, content.amount)
    updates = _moved(content.source, destination, content.amount)
    receipt = Receipt(Status.APPLIED, milligas, updates, allocated)
    return _burn_for_allocation(draft, content, receipt) if allocated else receipt


def _moved(source: str, destination: str, amount: int) -> tuple[BalanceUpdate, ...]:
    if amount == 0:
        return ()
    return (
        BalanceUpdate("contract", -amount, contract=source),
        BalanceUpdate("contract", amount, contract=destination),
    )


def _burn_for_allocation(draft: Draft, content: Transaction, receipt: Receipt) -> Receipt:
    if content.storage_limit < ORIGINATION_SIZE:
        raise ContentFailedError(ProtocolError.STORAGE_EXHAUSTED_OPERATION(), applied=receipt)
    try:
        _spend(draft, content.source, ALLOCATION_BURN)
    except ContentFailedError as failed:
        raise ContentFailedError(
            ProtocolError.CANNOT_PAY_STORAGE_FEE(), *failed.errors, applied=receipt
        ) from failed
    draft.burned += ALLOCATION_BURN
    burn = (
        BalanceUpdate("contract", -ALLOCATION_BURN, contract=content.source),
        BalanceUpdate("burned", ALLOCATION_BURN, category="storage fees"),
    )
    return replace(receipt, updates=receipt.updates + burn)


def _spend(draft: Draft, source: str, amount: int) -> None:
    # Fees may have emptied the source, and so removed it, just before.
    account = draft.account(source) or Account()
    if account.balance < amount:
        raise ContentFailedError(
            ProtocolError.BALANCE_TOO_LOW(contract=source, balance=account.balance, amount=amount),
            ProtocolError.SUBTRACTION_UNDERFLOW(amounts=[str(account.balance), str(amount)]),
        )
    remaining = account.balance - amount
    if remaining == 0 and account.delegate is not None and is_implicit(source):
        raise ContentFailedError(ProtocolError.EMPTY_IMPLICIT_DELEGATED_CONTRACT(implicit=source))
    draft.write(source, replace(account, balance=remaining))


def _apply_reveal(draft: Draft, content: Reveal, signature: int) -> Receipt:
    milligas = _consume(content, reveal_milligas(content.public_key) + signature)
    account = draft.account(content.source) or Account()
    if account.public_key is not None:
        raise ContentFailedError(ProtocolError.PREVIOUSLY_REVEALED_KEY(contract=content.source))
    draft.write(content.source, replace(account, public_key=content.public_key))
    return Receipt(Status.APPLIED, milligas)


def _apply_delegation(draft: Draft, content: Delegation, signature: int) -> Receipt:
    milligas = _consume(content, CONTENT_MILLIGAS + signature)
    if content.delegate is not None and not _is_baker(draft, content.delegate):
        raise ContentFailedError(ProtocolError.UNREGISTERED_DELEGATE(hash=content.delegate))
    account = draft.account(content.source) or Account()
    draft.write(content.source, replace(account, delegate=content.delegate))
    return Receipt(Status.APPLIED, milligas)


def _is_baker(draft: Draft, address: str) -> bool:
    account = draft.account(address)
    return account is not None and account.delegate == address


def _public_key(draft: Draft, first: Content) -> str:
    account = draft.account(first.source) or Account()
    key = first.public_key if isinstance(first, Reveal) else account.public_key
    if key is None:
        raise AssertionError(f"{first.source} was validated and yet has no key")
    return key
