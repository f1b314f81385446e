"""What TRD left behind, read: its YAML option by option, its reports, and what is refused."""

from pathlib import Path

import pytest

from bakehouse.errors import InputError
from bakehouse.importers.moving_in import MovingIn, OldSettings, Outcome
from bakehouse.importers.trd_files import read_trd
from bakehouse.importers.trd_settings import trd_settings
from bakehouse.importers.yaml_document import read_yaml
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.rewards.payout_rules import (
    CostBearer,
    DelegatorRule,
    ExcludedShare,
    IncomeShare,
    Listing,
    RewardBasis,
)
from bakehouse.tezos.base58check import Prefix, encode

BAKER, WALLET, ANN, BOB, CAT, DAN = (encode(Prefix.TZ1, bytes([index] * 20)) for index in range(6))
HASH = encode(Prefix.OPERATION_HASH, bytes(range(32)))

#: Every option that there is, as in TRD's own example.
EVERYTHING = f"""\
version: 1.0
baking_address: {BAKER}
payment_address: {WALLET}
rewards_type: ideal
service_fee: 4.5
founders_map:
  {{'{ANN}' : 0.3,
   '{BOB}' : 0.7}}
owners_map:
  {{'{ANN}' : 0.25, '{WALLET}' : 0.75}}
specials_map:
  {{'{CAT}' : 7.5, '{DAN}' : 2.5}}
supporters_set:
  {{'{DAN}'}}
min_delegation_amt: 1000
min_payment_amt: 1.5
reactivate_zeroed: False
delegator_pays_xfer_fee: False
delegator_pays_ra_fee: True
pay_denunciation_rewards: True
rules_map:
  {ANN}: {BOB}
  {CAT}: TOE
  {DAN}: TOF
  mindelegation: TOB
plugins:
  enabled:
  - email
  email:
    smtp_user: user@example.com
    smtp_pass: horsebatterystaple2
"""


def settings(text: str) -> OldSettings:
    return trd_settings(read_yaml(text, "baker.yaml"), None)


def test_each_option_becomes_a_setting_of_ours() -> None:
    old = settings(EVERYTHING)

    assert (old.baker_id, old.payout_address) == (BAKER, WALLET)
    assert old.settings == {
        "default_fee": 450,
        "reward_basis": RewardBasis.IDEAL,
        "minimum_balance": 1_000_000_000,
        "minimum_payout": 1_500_000,
        "pay_emptied": False,
        "share_denunciation_rewards": True,
        "transfer_fee_payer": CostBearer.BAKER,
        "burn_payer": CostBearer.DELEGATOR,
        "share_dal_rewards": False,
        "contract_cost_cap": 100_000,
        "below_minimum_share": ExcludedShare.BAKER,
    }
    # Supporters, founders and owners pay no fee, whatever else is said of them.
    assert old.fees == {CAT: 750, DAN: 0, ANN: 0, BOB: 0, WALLET: 0}
    assert old.rules == {
        ANN: DelegatorRule(recipient=BOB),
        CAT: DelegatorRule(listing=Listing.IGNORED, excluded_share=ExcludedShare.EVERYONE),
        DAN: DelegatorRule(listing=Listing.IGNORED, excluded_share=ExcludedShare.NAMED),
    }
    assert old.income == (
        IncomeShare(ANN, of_bonds=2_500, of_fees=3_000, of_excluded=3_000),  # type: ignore[arg-type]
        IncomeShare(BOB, of_fees=7_000, of_excluded=7_000),  # type: ignore[arg-type]
    )


def test_what_has_no_place_here_is_named_with_the_reason_and_no_secret() -> None:
    old = settings(EVERYTHING + "mystery: 7\n")

    left = {each.old: each.why for each in old.left}
    assert "bakehouse alerts" in left["plugins.email"]
    assert left["mystery"] == "TRD does not know it either"
    assert f"the shares of {WALLET} in founders_map and owners_map" in left
    assert "horsebattery" not in repr(old)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("service_fee: 4.5", "service_fee: 104.5", "line 5: '104.5' is not a percentage"),
        ("service_fee: 4.5", "service_fee: 4.555", "line 5: '4.555' is not a percentage"),
        ("service_fee: 4.5\n", "", "line 1: service_fee is missing"),
        ("' : 0.7}", "' : 0.8}", "line 7: the shares of founders_map add up to 110 %"),
        ("' : 0.7}", "' : 0.6}", "line 7: the shares of founders_map add up to 90 %"),
        (f"baking_address: {BAKER}", "baking_address: tz1boot", "line 2: 'tz1boot'"),
        (f"payment_address: {WALLET}", "payment_address: alias", "line 3: 'alias'"),
        (f"{ANN}: {BOB}", f"{ANN}: {BOB[:-1]}x", "line 22: "),
        ("mindelegation: TOB", "mindelegation: TOX", "line 25: this must be one of"),
        ("rewards_type: ideal", "rewards_type: estimated", "line 4: this must be one of"),
        ("min_payment_amt: 1.5", "min_payment_amt: 0.0000015", "line 16: 0.0000015 tez is not"),
        ("reactivate_zeroed: False", "reactivate_zeroed: 7", "line 17: this must be true or"),
        ("version: 1.0", "service_fee: 7", "line 5: 'service_fee' is there a second time"),
        ("version: 1.0", "version: &a 1", "&a"),
        ("smtp_pass: horse", "smtp_pass: 'horse", "this is not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(old: str, new: str, words: str) -> None:
    assert old in EVERYTHING
    text = EVERYTHING.replace(old, new)
    if words == "&a":
        text, words = text + "again: *a\n", "refers to parts of itself"

    with pytest.raises(InputError) as raised:
        settings(text)

    assert words in raised.value.message
    assert raised.value.message.startswith("baker.yaml")
    assert "battery" not in raised.value.message


def test_a_share_for_founders_who_are_none_is_refused() -> None:
    text = EVERYTHING.replace("founders_map:", "others:")

    with pytest.raises(InputError, match="TOF sends shares to the founders, who are none"):
        settings(text)


# Reports


def reports(folder: Path, done: str = "", failed: str = "", cycle: str = "749") -> MovingIn:
    header = "address,type,amount,hash,paid,description\r\n"
    (folder / "baker.yaml").write_text(EVERYTHING)
    for name, rows in (("done", done), ("failed", failed)):
        path = folder / "reports" / BAKER / "payments" / name / f"{cycle}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        if rows:
            path.write_text(header + rows, newline="")
    return read_trd(folder / "baker.yaml", [folder / "reports"])


def test_reports_say_who_was_paid_and_of_whom_nobody_knows(tmp_path: Path) -> None:
    moving = reports(
        tmp_path,
        done=f"{ANN},D,120,{HASH},paid,\r\n{BOB},M,7,{HASH},injected,\r\n"
        f"{CAT},F,9,None,avoided,too dear\r\n{DAN},O,0,None,done,\r\n",
        failed=f"{DAN},D,5,None,fail,\r\n",
    )

    said = [
        (each.address, each.kind, each.amount, each.outcome, each.operation_hash)
        for each in moving.history.payments
    ]
    assert said == [
        (ANN, PayoutKind.DELEGATOR, 120, Outcome.PAID, HASH),
        (BOB, PayoutKind.DELEGATOR, 7, Outcome.UNCLEAR, HASH),
        (CAT, PayoutKind.FEE_SHARE, 9, Outcome.UNCLEAR, None),
        (DAN, PayoutKind.DELEGATOR, 5, Outcome.UNCLEAR, None),
    ]
    assert moving.history.closed == [749]


def test_what_failed_first_and_was_paid_then_was_paid(tmp_path: Path) -> None:
    moving = reports(
        tmp_path, done=f"{ANN},D,5,{HASH},paid,\r\n", failed=f"{ANN},D,5,None,fail,\r\n"
    )

    (payment,) = moving.history.payments
    assert payment.outcome is Outcome.PAID


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (f"{ANN},D,1.5,None,paid,", "line 2: '1.5' is not a whole number of mutez"),
        (f"{ANN[:-1]}x,D,1,None,paid,", "line 2: "),
        (f"{ANN},X,1,None,paid,", "line 2: type is 'X'"),
        (f"{ANN},D,1,None,lost,", "line 2: paid is 'lost'"),
        (f"{ANN},D,1,onope,paid,", "line 2: 'onope' is no hash"),
        (f"{ANN},D,1,None", "line 2: a row has 4 values for 6 columns"),
        (f"{ANN},D,1,None,fail,\r\n{ANN},D,2,None,fail,", "line 3: "),
        (f'{ANN},D,1,None,fail,"open', "line 2: this is not CSV"),
    ],
)
def test_a_report_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, row: str, words: str
) -> None:
    with pytest.raises(InputError) as raised:
        reports(tmp_path, done=row + "\r\n")
    assert words in raised.value.message
    assert "749.csv" in raised.value.message


def test_files_that_are_no_finished_reports_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the last line has no end"):
        reports(tmp_path, done=f"{ANN},D,1,None,paid,")
    row = f"{ANN},D,1,None,paid,\r\n"
    (tmp_path / "reports" / BAKER / "payments" / "done" / "749.csv").unlink()
    with pytest.raises(InputError, match="is not named by its cycle"):
        reports(tmp_path, done=row, cycle="last")
    (tmp_path / "reports" / BAKER / "payments" / "done" / "last.csv").unlink()
    with pytest.raises(InputError, match="there is no payment report"):
        reports(tmp_path)
    busy = tmp_path / "reports" / BAKER / "payments" / "failed" / "749.csv.BUSY"
    busy.write_text("")
    with pytest.raises(InputError, match="TRD was stopped while it paid this again"):
        reports(tmp_path, done=row)
    dry = tmp_path / "simulations"
    dry.mkdir()
    with pytest.raises(InputError, match="is of a dry run"):
        read_trd(tmp_path / "baker.yaml", [dry])
