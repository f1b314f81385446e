"""`bakehouse rules …` and `income …`: told in tez and percent, kept whole or not at all."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.ledger import audit, payout_rules
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import CostBearer, DelegatorRule, IncomeShare, Listing
from tests.cli.bakers_desk import ANN, BAKER, BOB, PAYOUT, ROLLUP, Desk, open_desk


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        opened.register(f"payout_address={PAYOUT}")
        yield opened


def rules_of(desk: Desk) -> dict[str, DelegatorRule]:
    return desk.read(lambda tx: payout_rules.delegators(tx, BAKER))


def test_a_rule_is_set_field_by_field_listed_and_removed(desk: Desk) -> None:
    out = desk.done("rules", "set", BAKER, ANN, f"recipient={BOB}", "maximum_balance=1.5")
    assert out == f"changed for {ANN}: maximum_balance, recipient\n"
    desk.done("rules", "set", BAKER, ANN, "recipient=none", "burn_payer=delegator")
    rule = DelegatorRule(maximum_balance=Mutez(1_500_000), burn_payer=CostBearer.DELEGATOR)
    assert rules_of(desk) == {ANN: rule}

    listed = desk.done("rules", "list", BAKER)
    assert listed == f"{ANN}  maximum_balance=1.5 burn_payer=delegator\n"
    document = json.loads(desk.done("rules", "list", BAKER, "--json"))
    assert document["rules"][ANN]["maximum_balance"] == "1500000"
    assert document["rules"][ANN]["recipient"] is None

    desk.done("rules", "remove", BAKER, ANN)
    assert rules_of(desk) == {}
    assert "has no rule of its own" in desk.refused(2, "rules", "remove", BAKER, ANN)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("colour=red", "'colour' is nothing a rule says"),
        ("listing=banned", "'banned' is no listing: choose one of ignored, allowed"),
        ("maximum_balance=1,5", "maximum_balance: '1,5' is not an amount of tez"),
        (f"recipient={ROLLUP}", "recipient: .* smart rollup"),
        (f"recipient={PAYOUT}", "which is the wallet that pays"),
        ("excluded_share=named", "do not add up to 100 %"),
        ("listing=none", "use `bakehouse rules remove`"),
        ("listing", "write name=value"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(desk: Desk, said: str, told: str) -> None:
    assert re.search(told, desk.refused(2, "rules", "set", BAKER, ANN, said))


def test_what_is_exported_can_be_imported_and_replaces_all(desk: Desk) -> None:
    desk.done("rules", "set", BAKER, ANN, "listing=ignored", "minimum_balance=0.000001")
    exported = desk.done("rules", "export", BAKER)
    desk.done("rules", "set", BAKER, BOB, "listing=allowed")

    out = desk.done("rules", "import", BAKER, str(desk.write("rules.csv", exported)))

    assert out == "1 delegators have rules of their own\n"
    rule = DelegatorRule(listing=Listing.IGNORED, minimum_balance=Mutez(1))
    assert rules_of(desk) == {ANN: rule}
    wrong = desk.write("wrong.csv", f"address,listing\n{BOB},banned\n")
    line = desk.refused(2, "rules", "import", BAKER, str(wrong))
    assert line.startswith(f"{wrong}, line 2: 'banned'")


def test_income_shares_are_set_one_by_one_and_imported(desk: Desk) -> None:
    out = desk.done("income", "set", BAKER, ANN, "of_fees=12.5")
    assert out == f"{ANN} has of_bonds 0 %, of_fees 12.5 %, of_excluded 0 %\n"
    desk.done("income", "set", BAKER, ANN, "of_bonds=5%")
    desk.done("income", "set", BAKER, BOB, "of_fees=87.5")
    assert desk.done("income", "list", BAKER) == (
        f"{ANN}  of_bonds 5 %, of_fees 12.5 %\n{BOB}  of_fees 87.5 %\n"
    )
    assert "100 % at most together" in desk.refused(2, "income", "set", BAKER, BOB, "of_fees=88")
    assert "nothing to have a share of" in desk.refused(2, "income", "set", BAKER, BOB, "fees=1")

    exported = desk.done("income", "export", BAKER)
    assert desk.done("income", "set", BAKER, ANN, "of_fees=0", "of_bonds=0") == (
        f"{ANN} has no share of anything\n"
    )
    desk.done("income", "import", BAKER, str(desk.write("income.csv", exported)))
    assert desk.read(lambda tx: payout_rules.income(tx, BAKER)) == (
        IncomeShare(ANN, of_bonds=BasisPoints(500), of_fees=BasisPoints(1_250)),
        IncomeShare(BOB, of_fees=BasisPoints(8_750)),
    )
    (first, _) = json.loads(desk.done("income", "list", BAKER, "--json"))["shares"]
    assert first["of_bonds_basis_points"] == 500


def test_excluded_shares_go_to_named_addresses_once_they_have_all_of_them(desk: Desk) -> None:
    named = ("baker", "set", BAKER, "excluded_share=named")
    assert "do not add up to 100 %" in desk.refused(2, *named)

    desk.done("income", "set", BAKER, ANN, "of_excluded=100")
    desk.done(*named)

    line = desk.refused(2, "income", "set", BAKER, ANN, "of_excluded=99")
    assert "do not add up to 100 %" in line


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (("payout_interval=3", "interval_offset=3"), "from 0 to below the payout interval of 3"),
        (("delay_blocks_least=20", "delay_blocks_most=10"), "more than delay_blocks_most 10"),
        (("minimum_balance=2", "maximum_balance=1"), "below the minimum of 2"),
        (("payout_interval=0",), "payout_interval must be a whole number from 1"),
        (("rounding=nearest",), "choose one of net-floor, fee-floor"),
        (("below_minimum_share=named",), "do not add up to 100 %"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    desk: Desk, settings: tuple[str, ...], told: str
) -> None:
    assert told in desk.refused(2, "baker", "set", BAKER, *settings)


def test_rules_of_the_baker_are_set_together(desk: Desk) -> None:
    desk.done(
        *("baker", "set", BAKER, "payout_interval=3", "interval_offset=2", "rounding=fee-floor"),
        *("delay_blocks_least=10", "delay_blocks_most=20", "maximum_balance=5000000"),
        *("transfer_fee_payer=delegator", "reward_basis=ideal", "pay_emptied=no"),
    )

    listed = desk.done("baker", "list")
    for line in (
        "payout_interval = 3",
        "interval_offset = 2",
        "rounding = fee-floor",
        "delay_blocks_most = 20",
        "transfer_fee_payer = delegator",
        "pay_emptied = no",
    ):
        assert f"  {line}\n" in listed


def test_why_something_is_changed_is_kept_if_it_is_said(desk: Desk) -> None:
    file = desk.write("fees.csv", f"address,fee\n{ANN},3\n")
    for command in (
        ("baker", "set", BAKER, "default_fee=9"),
        ("fees", "set", BAKER, ANN, "5"),
        ("fees", "unset", BAKER, ANN),
        ("fees", "import", BAKER, str(file)),
        ("rules", "set", BAKER, ANN, "listing=ignored"),
        ("rules", "remove", BAKER, ANN),
        ("income", "set", BAKER, ANN, "of_fees=5"),
    ):
        desk.done(*command, "--why", "agreed on Monday")
        (event,) = desk.read(lambda tx: audit.latest(tx, limit=1))
        assert event.detail["why"] == "agreed on Monday", command

    desk.done("fees", "set", BAKER, ANN, "5")
    (silent,) = desk.read(lambda tx: audit.latest(tx, limit=1))
    assert "why" not in silent.detail
    told = desk.refused(2, "fees", "set", BAKER, ANN, "6", "--why", "x" * 501)
    assert told == "say why in 500 characters"
