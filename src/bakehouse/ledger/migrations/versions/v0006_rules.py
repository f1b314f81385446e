"""Every rule a baker sets: what is shared, with whom, who bears costs, and when it is paid.

Revision ID: 0006
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.ledger.column_types import ROW_ID, PlainText
from bakehouse.ledger.migrations import triggers
from bakehouse.ledger.migrations.sixth_guards import FIXED, MOVES

revision: Final = "0006"
down_revision: Final = "0005"

_YES: Final = (
    "share_block_rewards",
    "share_attestation_rewards",
    "share_dal_rewards",
    "share_nonce_rewards",
    "share_vdf_rewards",
    "pay_emptied",
)
_NO: Final = ("share_denunciation_rewards", "over_delegation_protection", "only_allowed")
_CHOICES: Final = {
    "reward_basis": "actual",
    "rounding": "net-floor",
    "transfer_fee_payer": "baker",
    "burn_payer": "baker",
    "below_minimum_share": "baker",
    "excluded_share": "baker",
    "leavers": "keep",
}
_NUMBERS: Final = {
    "minimum_fee_multiple": "0",
    "payout_interval": "1",
    "interval_offset": "0",
    "delay_blocks_least": "0",
    "delay_blocks_most": "0",
}
_CAPS: Final = ("maximum_balance", "contract_cost_cap")
_BEARERS: Final = "IN ('baker', 'delegator')"
_RULE_CHECKS: Final = {
    "listing_known": "listing IN ('ignored', 'allowed')",
    "transfer_fee_payer_known": f"transfer_fee_payer {_BEARERS}",
    "burn_payer_known": f"burn_payer {_BEARERS}",
    "excluded_share_known": "excluded_share IN ('baker', 'everyone', 'named')",
}
_INCOME: Final = ("of_bonds", "of_fees", "of_excluded")


def upgrade() -> None:
    """Add columns with what was the rule so far, and tables for what differs by address."""
    _add_settings()
    op.add_column("distributions", _mutez("excluded_kept"))
    op.add_column("distributions", sa.Column("not_before_level", sa.Integer(), nullable=True))
    for name in ("bears_fee", "bears_burn"):
        op.add_column("payouts", _flag(name, default=sa.false()))
    op.add_column("payouts", _mutez("withheld"))
    # What arrived is summed from the index alone, as what was owed is.
    op.drop_index("ix_payouts_work", "payouts")
    op.create_index("ix_payouts_work", "payouts", ["paid_with_id", "state", "net", "withheld"])
    _create_delegator_rules()
    _create_income_shares()
    _create_exclusions()
    triggers.install(*triggers.append_only("exclusions"))
    for name in ("legal_moves", "fixed"):
        triggers.remove("payouts", name)
    triggers.install(
        triggers.legal_moves("payouts", MOVES["payouts"]),
        triggers.fixed("payouts", FIXED["payouts"]),
        triggers.withheld_until_paid(),
    )


def _add_settings() -> None:
    for name in _YES:
        op.add_column("bakers", _flag(name, default=sa.true()))
    for name in _NO:
        op.add_column("bakers", _flag(name, default=sa.false()))
    for name, value in _CHOICES.items():
        default = sa.text(f"'{value}'")
        op.add_column(
            "bakers", sa.Column(name, PlainText(), server_default=default, nullable=False)
        )
    for name, number in _NUMBERS.items():
        default = sa.text(number)
        op.add_column(
            "bakers", sa.Column(name, sa.Integer(), server_default=default, nullable=False)
        )
    op.add_column("bakers", _mutez("minimum_balance"))
    for name in _CAPS:
        op.add_column("bakers", sa.Column(name, sa.BigInteger(), nullable=True))


def _flag(name: str, *, default: sa.True_ | sa.False_) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=default, nullable=False)


def _mutez(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _create_delegator_rules() -> None:
    op.create_table(
        "delegator_rules",
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("address", PlainText(), nullable=False),
        sa.Column("recipient", PlainText(), nullable=True),
        sa.Column("listing", PlainText(), nullable=True),
        sa.Column("minimum_balance", sa.BigInteger(), nullable=True),
        sa.Column("maximum_balance", sa.BigInteger(), nullable=True),
        sa.Column("transfer_fee_payer", PlainText(), nullable=True),
        sa.Column("burn_payer", PlainText(), nullable=True),
        sa.Column("excluded_share", PlainText(), nullable=True),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_delegator_rules_{name}"))
            for name, condition in _RULE_CHECKS.items()
        ),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_delegator_rules_baker_id")
        ),
        sa.PrimaryKeyConstraint("baker_id", "address", name=op.f("pk_delegator_rules")),
    )


def _create_income_shares() -> None:
    op.create_table(
        "income_shares",
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("address", PlainText(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _INCOME),
        *(
            sa.CheckConstraint(
                f"{name} BETWEEN 0 AND 10000", name=op.f(f"ck_income_shares_{name}_range")
            )
            for name in _INCOME
        ),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_income_shares_baker_id")
        ),
        sa.PrimaryKeyConstraint("baker_id", "address", name=op.f("pk_income_shares")),
    )


def _create_exclusions() -> None:
    op.create_table(
        "exclusions",
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("owed_to", PlainText(), nullable=False),
        sa.Column("delegated_balance", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("reason", PlainText(), nullable=False),
        sa.Column("share_goes_to", PlainText(), nullable=False),
        sa.CheckConstraint("gross >= 0", name=op.f("ck_exclusions_gross_not_negative")),
        sa.ForeignKeyConstraint(
            ["distribution_id"], ["distributions.id"], name=op.f("fk_exclusions_distribution_id")
        ),
        sa.PrimaryKeyConstraint("distribution_id", "owed_to", name=op.f("pk_exclusions")),
    )
