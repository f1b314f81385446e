"""What TezPay left behind, read: its Hjson option by option, its reports, and what is refused."""

from pathlib import Path

import pytest

from bakehouse.errors import InputError
from bakehouse.importers.hjson_document import read_hjson
from bakehouse.importers.moving_in import MovingIn, OldSettings, Outcome
from bakehouse.importers.old_document import Node
from bakehouse.importers.operation_hash import ZERO
from bakehouse.importers.tezpay_files import read_tezpay
from bakehouse.importers.tezpay_settings import tezpay_settings
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.rewards.payout_rules import (
    CostBearer,
    DelegatorRule,
    ExcludedShare,
    IncomeShare,
    Listing,
    RewardBasis,
    Rounding,
)
from bakehouse.tezos.base58check import Prefix, encode

BAKER, ANN, BOB, CAT = (encode(Prefix.TZ1, bytes([index] * 20)) for index in range(4))
HASH = encode(Prefix.OPERATION_HASH, bytes(range(32)))

#: Every option that there is, as TezPay writes its own sample.
EVERYTHING = f"""
{{
  # version of the configuration file
  tezpay_config_version: 0
  baker: {BAKER}
  payouts: {{
    wallet_mode: local-private-key
    payout_mode: ideal
    // as a part of 1
    fee: 0.075
    baker_pays_transaction_fee: true
    baker_pays_allocation_fee: false
    minimum_payout_amount: 10.5
    ignore_empty_accounts: true
    transaction_gas_limit_buffer: 200
    minimum_delay_blocks: 10
    maximum_delay_blocks: 250
  }}
  delegators: {{
    requirements: {{
      minimum_balance: 0.5
      below_minimum_reward_destination: everyone
    }}
    prefilter: [
      {ANN}
      {BOB}
    ]
    ignore: [
      {CAT}
    ]
    overrides: {{
      {ANN}: {{
        recipient: {CAT}
        fee: 0
        minimum_balance: 2.5
        baker_pays_transaction_fee: false
      }}
      {BOB}: {{
        recipient: ""
        maximum_balance: 1000
      }}
    }}
    fee_overrides: {{
      .5: [
        ""
        {BOB}
      ]
      1: [
        {ANN}
      ]
    }}
  }}
  income_recipients: {{
    bonds: {{
      {ANN}: 0.455
      {BAKER}: 0.545
    }}
    fees: {{ {BOB}: 1 }}
    donate: 0.025
  }}
  network: {{
    rpc_url: https://rpc.example/mainnet
    ignore_kt: true
  }}
  overdelegation: {{
    protect: false
  }}
  notifications: [
    {{
      type: email
      smtp_password: password123
      message_template: '''
        a text
        of lines
      '''
    }}
  ]
  disable_analytics: true
  misspelt_option: 7
}}
"""


def settings(text: str) -> OldSettings:
    return tezpay_settings(read_hjson(text, "config.hjson"), None)


def refusal(text: str) -> str:
    with pytest.raises(InputError) as raised:
        settings(text)
    return raised.value.message


def test_each_option_becomes_a_setting_of_ours() -> None:
    old = settings(EVERYTHING)

    assert old.baker_id == BAKER
    assert old.settings == {
        "default_fee": 750,
        "reward_basis": RewardBasis.IDEAL,
        # TezPay wants more than its bounds.
        "minimum_payout": 10_500_001,
        "minimum_balance": 500_001,
        "below_minimum_share": ExcludedShare.EVERYONE,
        "pay_emptied": False,
        "delay_blocks_least": 10,
        "delay_blocks_most": 250,
        "payout_delay_cycles": 0,
        "over_delegation_protection": False,
        "rounding": Rounding.FEE_FLOOR,
        "share_block_fees": True,
        "share_nonce_rewards": False,
        "share_vdf_rewards": False,
        "transfer_fee_payer": CostBearer.BAKER,
        "burn_payer": CostBearer.DELEGATOR,
        "only_allowed": True,
    }
    # A delegator's own fee comes before the shortcuts.
    assert old.fees == {ANN: 0, BOB: 5_000}
    assert old.rules == {
        ANN: DelegatorRule(
            recipient=CAT,
            listing=Listing.ALLOWED,
            minimum_balance=2_500_001,  # type: ignore[arg-type]
            transfer_fee_payer=CostBearer.DELEGATOR,
        ),
        BOB: DelegatorRule(listing=Listing.ALLOWED, maximum_balance=1_000_000_000),  # type: ignore[arg-type]
        CAT: DelegatorRule(listing=Listing.IGNORED, excluded_share=ExcludedShare.EVERYONE),
    }
    # What the paying wallet would pay itself stays in it.
    assert old.income == (
        IncomeShare(ANN, of_bonds=4_550),  # type: ignore[arg-type]
        IncomeShare(BOB, of_fees=10_000),  # type: ignore[arg-type]
    )


def test_what_has_no_place_here_is_named_with_the_reason_and_no_secret() -> None:
    left = {each.old: each.why for each in settings(EVERYTHING).left}

    assert left["network.rpc_url"].startswith("BAKEHOUSE_NODE_URLS")
    assert left["misspelt_option"] == "TezPay does not know it either"
    assert "bakehouse alerts" in left["notifications: 1"]
    assert "payouts.wallet_mode" in left
    assert "income_recipients.donate" in left
    assert "password123" not in repr(settings(EVERYTHING))


def test_what_is_left_out_is_as_tezpay_has_it_by_default() -> None:
    old = settings(f"baker: {BAKER}\n")

    assert (old.settings["default_fee"], old.settings["over_delegation_protection"]) == (500, True)
    assert (old.settings["delay_blocks_least"], old.settings["delay_blocks_most"]) == (500, 1_500)
    assert old.settings["transfer_fee_payer"] is CostBearer.DELEGATOR
    assert any("5 % that TezPay makes by itself" in each.old for each in old.left)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("fee: 0.075", "fee: 1.5", "line 10: 1.5 must be from 0 to 1"),
        ("fee: 0.075", "fee: 0.12345", "line 10: 0.12345 is 12.345 %: percentages have two"),
        ("fee: 0.075", "fee: lots", "line 10: 'lots' is not a number"),
        ("amount: 10.5", "amount: 0.0000005", "line 13: 0.0000005 tez is not a whole number"),
        (f"baker: {BAKER}", f"baker: {BAKER[:-1]}x", "line 5: "),
        ("payout_mode: ideal", "payout_mode: best", "line 8: this must be one of actual, ideal"),
        ("0.545", "0.546", "the shares of bonds add up to 100.1 %, more than 100 %"),
        ("minimum_delay_blocks: 10", "minimum_delay_blocks: 300", "300 blocks is more than 250"),
        ("baker_pays_allocation_fee: false", "baker_pays_allocation_fee: no way", "line 12: this"),
        ("tezpay_config_version: 0", "tezpay_config_version: 1", "line 4: only version 0"),
        ("disable_analytics: true", "baker: twice", "is there a second time"),
        (
            "overdelegation: {",
            "overdelegation: [",
            "line 67: a value is missing, or a text has no end",
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(old: str, new: str, words: str) -> None:
    assert old in EVERYTHING

    message = refusal(EVERYTHING.replace(old, new))

    assert message.startswith("config.hjson")
    assert words in message


def test_a_file_that_is_cut_off_is_refused() -> None:
    for length in range(len(EVERYTHING) // 7, len(EVERYTHING) - 3, len(EVERYTHING) // 7):
        assert refusal(EVERYTHING[:length]).startswith("config.hjson")


def plain(node: Node) -> object:
    if node.entries is not None:
        return {name: plain(each) for name, each in node.entries.items()}
    if node.items is not None:
        return [plain(each) for each in node.items]
    return node.text if node.is_quoted else ("literal", node.text)


def test_hjson_is_read_as_its_authors_mean_it() -> None:
    # From the syntax of hjson.github.io.
    text = """
    // a comment
    key: value with spaces # and this belongs to it
    "quoted: key": "a \\"text\\" with \\u00e9", other: 'single "quotes"'
    number: -1.5e3, list: [1, 2 /* two */, true], empty: {}
    literal: null  # this is a comment
    not_a_number: 5 times
    lines:
      '''
      first
      '''
    """

    assert plain(read_hjson(text, "x")) == {
        "key": "value with spaces # and this belongs to it",
        "quoted: key": 'a "text" with é',
        "other": 'single "quotes"',
        "number": ("literal", "-1.5e3"),
        "list": [("literal", "1"), ("literal", "2"), ("literal", "true")],
        "empty": {},
        "literal": ("literal", "null"),
        "not_a_number": "5 times",
        "lines": "first",
    }


# Reports

HEADER = (
    "id,baker,timestamp,cycle,kind,op_kind,contract,token_id,fa_alias,fa_decimals,delegator,"
    "delegator_balance,staked_balance,recipient,amount,fee_rate,fee,tx_fee,op_hash,success,note"
)


def row(**cells: str) -> str:
    values = {
        **dict.fromkeys(HEADER.split(","), ""),
        "baker": BAKER,
        "timestamp": "2026-06-26T20:16:20.123456789Z",
        "cycle": "1336",
        "kind": "delegator reward",
        "op_kind": "tez",
        "delegator": ANN,
        "delegator_balance": "5000000",
        "recipient": CAT,
        "amount": "1234",
        "fee_rate": "0.07500000000000001",
        "fee": "100",
        "op_hash": HASH,
        "success": "true",
        **cells,
    }
    return ",".join(values.values())


def reports(folder: Path, *rows: str, end: str = "\n") -> MovingIn:
    (folder / "config.hjson").write_text(f"baker: {BAKER}\n")
    cycle = folder / "reports" / "1336"
    cycle.mkdir(parents=True, exist_ok=True)
    (cycle / "payouts.csv").write_text("\n".join([HEADER, *rows]) + end)
    return read_tezpay(folder / "config.hjson", [folder / "reports"])


def test_a_payout_is_owed_to_the_delegator_and_sent_to_the_recipient(tmp_path: Path) -> None:
    (payment,) = reports(tmp_path, row()).history.payments

    assert (payment.owed_to, payment.address) == (ANN, CAT)
    assert (payment.amount, payment.fee, payment.fee_basis_points) == (1_234, 100, 750)
    assert (payment.cycle, payment.operation_hash) == (1_336, HASH)
    assert payment.paid_at is not None
    assert payment.outcome is Outcome.PAID


def test_what_was_recorded_before_it_was_sent_has_no_operation_and_is_unclear(
    tmp_path: Path,
) -> None:
    (payment,) = reports(tmp_path, row(op_hash=ZERO, success="false")).history.payments

    assert (payment.operation_hash, payment.outcome) == (None, Outcome.UNCLEAR)


def test_income_of_several_kinds_is_one_payout_here(tmp_path: Path) -> None:
    moving = reports(
        tmp_path,
        row(kind="baker reward", delegator="", recipient=BOB, amount="7"),
        row(kind="donation", delegator="", recipient=BOB, amount="5"),
        row(kind="fee income", delegator="", recipient=BOB, amount="3"),
    )

    assert [(each.kind, each.owed_to, each.amount) for each in moving.history.payments] == [
        (PayoutKind.BOND_SHARE, BOB, 12),
        (PayoutKind.FEE_SHARE, BOB, 3),
    ]


def test_tokens_and_nothing_are_no_payments_and_tokens_are_named(tmp_path: Path) -> None:
    moving = reports(tmp_path, row(op_kind="fa2"), row(amount="0"))

    assert moving.history.payments == ()
    assert "1 payouts of tokens" in {each.old for each in moving.history.left}
    assert moving.history.last_cycle == 1_336


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"amount": "1.5"}, "line 2: '1.5' is not a whole number of mutez"),
        ({"recipient": CAT[:-1] + "x"}, "line 2: "),
        ({"op_hash": HASH[:-1] + "x"}, "line 2: "),
        ({"baker": ANN}, "line 2: this is of another baker"),
        ({"cycle": "7"}, "line 2: this is of cycle 7, its folder of cycle 1336"),
        ({"kind": "gift"}, "line 2: kind is 'gift'"),
        ({"success": "maybe"}, "line 2: SUCCESS must be TRUE or FALSE"),
        ({"timestamp": "soon"}, "line 2: timestamp is not a time"),
        ({"fee_rate": "1.5"}, "line 2: 1.5 must be from 0 to 1"),
    ],
)
def test_a_report_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, cells: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError) as raised:
        reports(tmp_path, row(**cells))
    assert words in raised.value.message
    assert "payouts.csv" in raised.value.message


def test_a_report_that_is_cut_off_or_contradicts_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2: the last line has no end"):
        reports(tmp_path, row(), end="")
    with pytest.raises(InputError, match="line 2: a row has 20 values for 21 columns"):
        reports(tmp_path, row().rpartition(",")[0])
    with pytest.raises(InputError, match=r"line 3: .* has another amount for cycle 1336 already"):
        reports(tmp_path, row(), row(amount="1235"))
    with pytest.raises(InputError, match="the column op_hash is missing"):
        read_tezpay(tmp_path / "config.hjson", [_other(tmp_path)])


def _other(folder: Path) -> Path:
    path = folder / "other" / "7" / "payouts.csv"
    path.parent.mkdir(parents=True)
    path.write_text("baker,cycle,kind,recipient,amount,success\n")
    return path


def test_a_dry_run_is_no_history(tmp_path: Path) -> None:
    (tmp_path / "config.hjson").write_text(f"baker: {BAKER}\n")
    dry = tmp_path / "reports" / "dry" / "1336"
    dry.mkdir(parents=True)
    (dry / "payouts.csv").write_text(f"{HEADER}\n{row()}\n")

    with pytest.raises(InputError, match=r"there is no payouts\.csv"):
        read_tezpay(tmp_path / "config.hjson", [tmp_path / "reports"])
    with pytest.raises(InputError, match="is of a dry run"):
        read_tezpay(tmp_path / "config.hjson", [dry / "payouts.csv"])
    with pytest.raises(InputError, match="is of a dry run"):
        read_tezpay(tmp_path / "config.hjson", [tmp_path / "reports" / "dry"])
