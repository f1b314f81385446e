"""The protocol constants that payouts depend on, as a node reports them; none is known by heart."""

from dataclasses import dataclass
from typing import Any

from bakehouse.errors import SourceMalformedError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.strict_json import Fields


@dataclass(frozen=True, slots=True)
class ProtocolConstants:
    """Constants of one protocol on one network (`/context/constants`); protocols change them."""

    blocks_per_cycle: int
    #: Time between blocks of round 0, in seconds.
    minimal_block_delay_seconds: int
    #: How many blocks after its branch an operation can still be included, less one (levels).
    max_operations_time_to_live: int
    hard_gas_limit_per_operation: int
    hard_gas_limit_per_block: int
    #: Bytes of storage that one content may burn.
    hard_storage_limit_per_operation: int
    #: Bytes of storage that a new account is charged for.
    origination_size: int
    #: Price of one byte of storage, in mutez.
    cost_per_byte: Mutez
    #: Delegated balance beyond this multiple of the baker's own stake earns no rights.
    limit_of_delegation_over_baking: int
    #: Bytes of one signed group; None where only parametric constants are listed.
    max_operation_data_length: int | None

    @property
    def allocation_burn(self) -> Mutez:
        """What the sender burns, in mutez, to pay an account that does not exist yet."""
        return Mutez(self.origination_size * self.cost_per_byte)


def parse_constants(document: Any) -> ProtocolConstants:
    """Read the answer of `/context/constants`; SourceMalformedError names what is missing or odd.

    Fields it does not use are passed over: new protocols add some.
    """
    fields = Fields.of(document)
    constants = ProtocolConstants(
        blocks_per_cycle=fields.positive("blocks_per_cycle"),
        minimal_block_delay_seconds=fields.positive("minimal_block_delay"),
        max_operations_time_to_live=fields.positive("max_operations_time_to_live"),
        hard_gas_limit_per_operation=fields.positive("hard_gas_limit_per_operation"),
        hard_gas_limit_per_block=fields.positive("hard_gas_limit_per_block"),
        hard_storage_limit_per_operation=fields.positive("hard_storage_limit_per_operation"),
        origination_size=fields.positive("origination_size"),
        cost_per_byte=Mutez(fields.positive("cost_per_byte")),
        limit_of_delegation_over_baking=fields.positive("limit_of_delegation_over_baking"),
        max_operation_data_length=(
            fields.positive("max_operation_data_length")
            if "max_operation_data_length" in fields
            else None
        ),
    )
    _check(constants)
    return constants


def _check(constants: ProtocolConstants) -> None:
    if constants.hard_gas_limit_per_operation > constants.hard_gas_limit_per_block:
        raise SourceMalformedError(
            "hard_gas_limit_per_operation cannot exceed hard_gas_limit_per_block"
        )
    if constants.origination_size > constants.hard_storage_limit_per_operation:
        raise SourceMalformedError(
            "origination_size cannot exceed hard_storage_limit_per_operation"
        )
