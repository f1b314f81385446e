"""The tables of bakers, and of what each has set for whom. Amounts are mutez; no queries here."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    false,
    text,
    true,
)

from bakehouse.ledger.column_types import PlainText, UtcTime
from bakehouse.ledger.states import Mode
from bakehouse.ledger.table_parts import choice, metadata, mutez, one_of
from bakehouse.rewards.payout_rules import (
    CostBearer,
    ExcludedShare,
    Leavers,
    Listing,
    RewardBasis,
    Rounding,
)

bakers = Table(
    "bakers",
    metadata,
    Column("baker_id", PlainText, primary_key=True),
    Column("network", PlainText, nullable=False),
    Column("alias", PlainText),
    Column("payout_address", PlainText, nullable=False),
    Column("mode", PlainText, nullable=False),
    Column("default_fee", Integer, nullable=False),
    Column("update_freq", Integer, nullable=False),
    Column("payment_retries", Integer, nullable=False),
    Column("minutes_between_retries", Integer, nullable=False),
    Column("num_blocks_wait", Integer, nullable=False),
    Column("first_cycle", Integer, nullable=False),
    Column("payout_delay_cycles", Integer, nullable=False),
    Column("share_block_fees", Boolean, nullable=False),
    mutez("minimum_payout"),
    Column("bond_pool_enabled", Boolean, nullable=False),
    Column("scheduled", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # More than this (mutez) is never paid for a cycle, or to one recipient, without a person.
    Column("cycle_cap", BigInteger),
    Column("payout_cap", BigInteger),
    Column("confirm_first_cycle", Boolean, nullable=False, server_default=true()),
    # Whether anybody may look an address up and see what it was paid.
    Column("public_page", Boolean, nullable=False, server_default=false()),
    Column("share_block_rewards", Boolean, nullable=False, server_default=true()),
    Column("share_attestation_rewards", Boolean, nullable=False, server_default=true()),
    Column("share_dal_rewards", Boolean, nullable=False, server_default=true()),
    Column("share_nonce_rewards", Boolean, nullable=False, server_default=true()),
    Column("share_vdf_rewards", Boolean, nullable=False, server_default=true()),
    Column("share_denunciation_rewards", Boolean, nullable=False, server_default=false()),
    choice("reward_basis", default=RewardBasis.ACTUAL),
    Column("over_delegation_protection", Boolean, nullable=False, server_default=false()),
    choice("rounding", default=Rounding.NET_FLOOR),
    choice("transfer_fee_payer", default=CostBearer.BAKER),
    choice("burn_payer", default=CostBearer.BAKER),
    mutez("minimum_balance", server_default=text("0")),
    Column("maximum_balance", BigInteger),
    choice("below_minimum_share", default=ExcludedShare.BAKER),
    choice("excluded_share", default=ExcludedShare.BAKER),
    Column("only_allowed", Boolean, nullable=False, server_default=false()),
    Column("pay_emptied", Boolean, nullable=False, server_default=true()),
    # What a transfer to a contract may cost (mutez) before it is held; NULL: whatever it costs.
    Column("contract_cost_cap", BigInteger),
    Column("minimum_fee_multiple", Integer, nullable=False, server_default=text("0")),
    choice("leavers", default=Leavers.KEEP),
    Column("payout_interval", Integer, nullable=False, server_default=text("1")),
    Column("interval_offset", Integer, nullable=False, server_default=text("0")),
    # Blocks after the moment a cycle is due, between which it is drawn when it is paid.
    Column("delay_blocks_least", Integer, nullable=False, server_default=text("0")),
    Column("delay_blocks_most", Integer, nullable=False, server_default=text("0")),
    # Where the payout wallet is topped up from, to what balance (mutez), how much a day at most.
    Column("funding_address", PlainText),
    Column("target_balance", BigInteger),
    Column("top_up_cap", BigInteger),
    one_of("mode", Mode),
    CheckConstraint("default_fee BETWEEN 0 AND 10000", name="default_fee_range"),
    CheckConstraint("update_freq >= 1", name="update_freq_range"),
    CheckConstraint("payment_retries >= 0", name="payment_retries_range"),
    CheckConstraint("minutes_between_retries >= 1", name="minutes_between_retries_range"),
    CheckConstraint("num_blocks_wait >= 2", name="num_blocks_wait_range"),
    CheckConstraint("first_cycle >= 0", name="first_cycle_range"),
    CheckConstraint("payout_delay_cycles >= 0", name="payout_delay_cycles_range"),
    CheckConstraint("minimum_payout >= 0", name="minimum_payout_range"),
)

delegator_fees = Table(
    "delegator_fees",
    metadata,
    Column("baker_id", ForeignKey("bakers.baker_id"), primary_key=True),
    Column("address", PlainText, primary_key=True),
    Column("fee", Integer, nullable=False),
    CheckConstraint("fee BETWEEN 0 AND 10000", name="fee_range"),
)

# What else is different for one delegator; NULL is as for everybody.
delegator_rules = Table(
    "delegator_rules",
    metadata,
    Column("baker_id", ForeignKey("bakers.baker_id"), primary_key=True),
    Column("address", PlainText, primary_key=True),
    Column("recipient", PlainText),
    Column("listing", PlainText),
    Column("minimum_balance", BigInteger),
    Column("maximum_balance", BigInteger),
    Column("transfer_fee_payer", PlainText),
    Column("burn_payer", PlainText),
    Column("excluded_share", PlainText),
    one_of("listing", Listing),
    one_of("transfer_fee_payer", CostBearer),
    one_of("burn_payer", CostBearer),
    one_of("excluded_share", ExcludedShare),
)

# Parts of the baker's income for named addresses, in basis points.
income_shares = Table(
    "income_shares",
    metadata,
    Column("baker_id", ForeignKey("bakers.baker_id"), primary_key=True),
    Column("address", PlainText, primary_key=True),
    Column("of_bonds", Integer, nullable=False),
    Column("of_fees", Integer, nullable=False),
    Column("of_excluded", Integer, nullable=False),
    CheckConstraint("of_bonds BETWEEN 0 AND 10000", name="of_bonds_range"),
    CheckConstraint("of_fees BETWEEN 0 AND 10000", name="of_fees_range"),
    CheckConstraint("of_excluded BETWEEN 0 AND 10000", name="of_excluded_range"),
)

bond_pool_members = Table(
    "bond_pool_members",
    metadata,
    Column("baker_id", ForeignKey("bakers.baker_id"), primary_key=True),
    Column("address", PlainText, primary_key=True),
    Column("name", PlainText, nullable=False),
    mutez("amount"),
    Column("adm_charge", Integer, nullable=False),
    Column("is_manager", Boolean, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("adm_charge BETWEEN 0 AND 10000", name="adm_charge_range"),
    Index(
        "uq_bond_pool_members_manager",
        "baker_id",
        unique=True,
        sqlite_where=text("is_manager"),
        postgresql_where=text("is_manager"),
    ),
)
