"""What a transfer takes of storage, and what that burns; pure."""

from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.tezos.constants import ProtocolConstants
from bakehouse.tezos.receipt import ContentResult, Status


def storage_bytes(result: ContentResult, constants: ProtocolConstants) -> int:
    """Give the bytes a content is charged for: new accounts, and what contracts wrote."""
    allocations = result.allocated_destination + result.other_allocations
    return allocations * constants.origination_size + result.paid_storage_size_diff


def storage_burn(result: ContentResult, constants: ProtocolConstants) -> Mutez:
    """Give what the source burns for it, in mutez; nothing unless it was applied."""
    if result.status is not Status.APPLIED:
        return NO_MUTEZ
    return Mutez(storage_bytes(result, constants) * constants.cost_per_byte)
