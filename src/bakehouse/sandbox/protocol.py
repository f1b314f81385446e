"""Constants of the simulated protocol (Ushuaia, as on mainnet) and the arithmetic of cycles."""

from dataclasses import dataclass
from typing import Any, Final

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


def constants_json(*, blocks_per_cycle: int, block_delay_seconds: int) -> dict[str, Any]:
    """Give the constants that clients read, in the node's shape: mutez, gas, seconds as strings."""
    return {
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
        "hard_gas_limit_per_operation": str(GAS_LIMIT_PER_OPERATION_MAX),
        "hard_gas_limit_per_block": str(GAS_LIMIT_PER_BLOCK_MAX),
        "minimal_stake": "6000000000",
        "minimal_frozen_stake": "600000000",
        "origination_size": ORIGINATION_SIZE,
        "cost_per_byte": str(COST_PER_BYTE),
        "hard_storage_limit_per_operation": str(STORAGE_LIMIT_MAX),
        "max_operations_time_to_live": OPERATIONS_TTL,
        "minimal_block_delay": str(block_delay_seconds),
        "delay_increment_per_round": str(block_delay_seconds),
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
