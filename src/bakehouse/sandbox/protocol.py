"""The simulated protocol: its constants (Ushuaia's, as on mainnet), and the arithmetic of cycles.

What may change with a protocol is in `Protocol`; the rest holds for all of them.
"""

from bisect import bisect_right
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from bakehouse.sandbox.other_constants import OTHER_CONSTANTS

PROTOCOL_HASH: Final = "PsUshuai9QapM5TGj1JpuVGkdxz5GykdnEvS6Rh8SUVrARvZLCY"
PROTOCOL_NUMBER: Final = 25
#: What the ids of this protocol's errors begin with.
ERROR_ID_PREFIX: Final = "proto.025-PsUshuai."

GAS_LIMIT_PER_OPERATION_MAX: Final = 1_040_000
GAS_LIMIT_PER_BLOCK_MAX: Final = 1_040_000
#: Gas units that every content costs before anything is done; a lower limit is not valid.
GAS_LIMIT_MIN: Final = 100
STORAGE_LIMIT_MAX: Final = 60_000
OPERATION_SIZE_MAX: Final = 32_768
#: Bytes of manager operations that fit a block.
MANAGER_PASS_SIZE_MAX: Final = 512 * 1024
COST_PER_BYTE: Final = 250
ORIGINATION_SIZE: Final = 257
#: Mutez burned when a transfer allocates an implicit account.
ALLOCATION_BURN: Final = ORIGINATION_SIZE * COST_PER_BYTE

#: Blocks after its branch in whose descendants an operation may still be included, less one.
OPERATIONS_TTL: Final = 600
CONSENSUS_RIGHTS_DELAY: Final = 2
COMMITTEE_SIZE: Final = 7_000
EDGE_OF_STAKING_OVER_DELEGATION: Final = 3
LIMIT_OF_DELEGATION: Final = 9

MILLIGAS_PER_GAS: Final = 1_000


@dataclass(frozen=True, slots=True)
class CycleLength:
    """Where cycles begin and end when each has `blocks` blocks. Level 1 is the first of cycle 0."""

    blocks: int

    def cycle_of(self, level: int) -> int:
        """Give the cycle that a level (1 or more) belongs to."""
        return (level - 1) // self.blocks

    def position_of(self, level: int) -> int:
        """Count the levels of its cycle that come before this one."""
        return (level - 1) % self.blocks

    def first_level(self, cycle: int) -> int:
        """Give the first level of a cycle."""
        return cycle * self.blocks + 1

    def last_level(self, cycle: int) -> int:
        """Give the last level of a cycle, in which attestation rewards are paid."""
        return (cycle + 1) * self.blocks

    def snapshot_level(self, cycle: int) -> int:
        """Give the level at whose end the balances are read that count for a cycle's rights."""
        return max(self.last_level(cycle - CONSENSUS_RIGHTS_DELAY - 1), 0)


@dataclass(frozen=True, slots=True)
class Protocol:
    """What one protocol may do differently from another; gas in units, the rest as named.

    `operations_ttl` is in blocks, `block_delay_seconds` the least time between two of them.
    """

    hash: str = PROTOCOL_HASH
    number: int = PROTOCOL_NUMBER
    #: What the ids of its errors begin with.
    error_id_prefix: str = ERROR_ID_PREFIX
    operations_ttl: int = OPERATIONS_TTL
    gas_limit_per_operation_max: int = GAS_LIMIT_PER_OPERATION_MAX
    gas_limit_per_block_max: int = GAS_LIMIT_PER_BLOCK_MAX
    storage_limit_max: int = STORAGE_LIMIT_MAX
    block_delay_seconds: int = 1


USHUAIA: Final = Protocol()

_level_of = itemgetter(0)


class ProtocolSchedule:
    """Which protocol is in force after each block.

    The last block of a protocol is still of that protocol, and leaves the next one in force.
    """

    __slots__ = ("_changes",)

    def __init__(self, first: Protocol) -> None:
        self._changes: list[tuple[int, Protocol]] = [(0, first)]

    def change(self, level: int, protocol: Protocol) -> None:
        """Have another protocol in force after the block of `level`, which is not baked yet."""
        while self._changes[-1][0] >= level > 0:
            self._changes.pop()
        self._changes.append((level, protocol))

    def after(self, level: int) -> Protocol:
        """Give the protocol in force after the block of `level`: what its context obeys."""
        since, protocol = self._changes[-1]
        if since <= level:
            return protocol
        return self._changes[bisect_right(self._changes, level, key=_level_of) - 1][1]

    def of(self, level: int) -> Protocol:
        """Give the protocol that the block of `level` itself was made by."""
        return self.after(max(level - 1, 0))

    def first_level(self, protocol: Protocol) -> int:
        """Give the first level that was made by a protocol, which is one of these."""
        since = next(level for level, each in self._changes if each == protocol)
        return since + 1


def constants_json(protocol: Protocol, *, blocks_per_cycle: int) -> dict[str, Any]:
    """Give all constants in the node's shape: mutez, gas, seconds as strings."""
    return {
        **OTHER_CONSTANTS,
        "proof_of_work_nonce_size": 8,
        "nonce_length": 32,
        "max_anon_ops_per_block": 132,
        "max_operation_data_length": OPERATION_SIZE_MAX,
        "max_proposals_per_delegate": 20,
        "consensus_rights_delay": CONSENSUS_RIGHTS_DELAY,
        "blocks_preservation_cycles": 1,
        "delegate_parameters_activation_delay": 5,
        "tolerated_inactivity_period": 2,
        "blocks_per_cycle": blocks_per_cycle,
        "blocks_per_commitment": blocks_per_cycle,
        "cycles_per_voting_period": 14,
        "hard_gas_limit_per_operation": str(protocol.gas_limit_per_operation_max),
        "hard_gas_limit_per_block": str(protocol.gas_limit_per_block_max),
        "minimal_stake": "6000000000",
        "minimal_frozen_stake": "600000000",
        "origination_size": ORIGINATION_SIZE,
        "cost_per_byte": str(COST_PER_BYTE),
        "hard_storage_limit_per_operation": str(protocol.storage_limit_max),
        "max_operations_time_to_live": protocol.operations_ttl,
        "minimal_block_delay": str(protocol.block_delay_seconds),
        "delay_increment_per_round": str(protocol.block_delay_seconds),
        "consensus_committee_size": COMMITTEE_SIZE,
        "consensus_threshold_size": 4_667,
        "minimal_participation_ratio": {"numerator": 2, "denominator": 3},
        "limit_of_delegation_over_baking": LIMIT_OF_DELEGATION,
        "global_limit_of_staking_over_baking": 9,
        "edge_of_staking_over_delegation": EDGE_OF_STAKING_OVER_DELEGATION,
        "smart_rollup_origination_size": 6_314,
        "smart_rollup_stake_amount": "10000000000",
        "allow_tz4_delegate_enable": True,
        "native_contracts_enable": False,
        "tz5_account_enable": False,
    }
