"""Rules of single delegators and income shares as people keep them: whole or not at all."""

import pytest

from bakehouse.desk import income, rules
from bakehouse.desk.address_table import Import
from bakehouse.errors import AddressError, InputError, NotFoundError, SettingError
from bakehouse.ledger import bakers
from bakehouse.ledger.page import Slice
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import (
    CostBearer,
    DelegatorRule,
    ExcludedShare,
    IncomeShare,
    Listing,
)
from bakehouse.tezos.base58check import Prefix, encode
from tests.payments.hostile_baker import HostileBaker

ANN, BOB, CYD = (encode(Prefix.TZ1, name.ljust(20)) for name in (b"ann", b"bob", b"cyd"))
ROLLUP = encode(Prefix.SR1, bytes(20))
IGNORED = DelegatorRule(listing=Listing.IGNORED)


async def rules_of(baker: HostileBaker) -> dict[str, DelegatorRule]:
    found = await rules.list_rules(baker.payer.ledger, baker.baker_id, Slice())
    assert found.count == len(found.page.rows)
    return {each.address: each.rule for each in found.page.rows}


async def test_an_import_of_rules_replaces_or_merges(baker: HostileBaker) -> None:
    payer, baker_id = baker.payer, baker.baker_id
    await rules.set_rule(payer, baker_id, ANN, IGNORED, actor="user:ann")

    merged = f'{{"{BOB}": {{"recipient": "{CYD}", "maximum_balance": "1500000"}}}}'
    assert await rules.import_rules(payer, baker_id, merged, Import.MERGE, actor="a") == 1
    redirected = DelegatorRule(recipient=CYD, maximum_balance=Mutez(1_500_000))
    assert await rules_of(baker) == {ANN: IGNORED, BOB: redirected}

    replaced = f"address,minimum_balance,burn_payer\n{CYD},1.5,delegator\n"
    assert await rules.import_rules(payer, baker_id, replaced, Import.REPLACE, actor="a") == 1
    rule = DelegatorRule(minimum_balance=Mutez(1_500_000), burn_payer=CostBearer.DELEGATOR)
    assert await rules_of(baker) == {CYD: rule}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"address,listing\n{BOB},ignored\n{ANN},banned\n", "line 3: 'banned' is no listing"),
        (f"address,listing\n{BOB},ignored\n\n{BOB},allowed\n", "line 4: .* further up"),
        (f"address,recipient\n{BOB},{ROLLUP}\n", "line 2: .* smart rollup"),
        (f"address,recipient\n{BOB},{CYD[:-1]}x\n", "line 2: .* not a valid Tezos address"),
        (f"address,maximum_balance\n{BOB},1,5\n", "line 2: it has more cells"),
        (f"address,maximum_balance\n{BOB},lots\n", "line 2: 'lots' is not an amount of tez"),
        (f"address,nonsense\n{BOB},1\n", "line 1: 'nonsense' is no column"),
        ("listing\nignored\n", "line 1: the first line must name the columns"),
        (f"address,listing,listing\n{BOB},ignored,allowed\n", "line 1: .* named twice"),
        (f"address,listing\n{BOB},\n", "line 2: the rule of .* says nothing"),
        ("address,listing\n,ignored\n", "line 2: it has no address"),
        (f'address,listing\n{BOB},"ignored\n', "line 2: this is not CSV"),
        (f'{{\n"{BOB}": {{"listing": "ignored"}},\n"{ANN}": {{"listing":\n"x"}}}}', "line 3: 'x'"),
        (f'{{"{BOB}":\n{{"listing": "ignored",\n"listing": null}}}}', "line 3: .* given twice"),
        (f'{{"{BOB}": {{"maximum_balance": "1.5"}}}}', "line 1: '1.5' is not an amount of mutez"),
        (f'{{"{BOB}": {{"listing": ["ignored"]}}}}', "line 1: listing must be a text"),
        (f'{{"{BOB}": {{"fee": "5"}}}}', "line 1: 'fee' is none of recipient"),
        (f'{{"{BOB}": "ignored"}}', "line 1: what .* has must be an object"),
        ('{\n"a\\": {": {}}', "line 2: .* signs that nothing here is written with"),
        ("[1]", "must be one JSON object"),
        ('{"a": ', "line 1: this is not JSON"),
        ("{" + '"a":{' * 100_000, "nested too deep|line 1"),
    ],
)
async def test_a_mistake_in_an_import_of_rules_changes_nothing_and_is_named_by_its_line(
    baker: HostileBaker, text: str, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        await rules.import_rules(baker.payer, baker.baker_id, text, Import.REPLACE, actor="a")

    assert await rules_of(baker) == {}


async def test_the_history_says_who_changed_which_rule_from_what(baker: HostileBaker) -> None:
    payer, baker_id = baker.payer, baker.baker_id
    redirect = DelegatorRule(recipient=CYD)
    await rules.set_rule(payer, baker_id, ANN, IGNORED, actor="user:ann")
    await rules.set_rule(payer, baker_id, ANN, redirect, actor="user:bob")
    await rules.remove_rule(payer, baker_id, ANN, actor="user:cyd")
    await rules.replace_rules(payer, baker_id, {BOB: IGNORED}, actor="user:dan")

    history = await rules.history(payer.ledger, baker_id, limit=3)
    rest = await rules.history(payer.ledger, baker_id, limit=3, before=history.next_before)

    told = [(each.actor, each.before, each.after) for each in (*history.changes, *rest.changes)]
    assert told == [
        ("user:dan", None, {BOB: {"listing": "ignored"}}),
        ("user:cyd", {ANN: {"recipient": CYD}}, {}),
        ("user:bob", {ANN: {"listing": "ignored"}}, {ANN: {"recipient": CYD}}),
        ("user:ann", {}, {ANN: {"listing": "ignored"}}),
    ]
    assert rest.next_before is None


async def test_a_rule_that_contradicts_is_refused_naming_what_does(baker: HostileBaker) -> None:
    payer, baker_id = baker.payer, baker.baker_id
    wallet = (await stored(baker)).payout_address
    contradictions = {
        "recipient": DelegatorRule(recipient=wallet),
        "maximum_balance": DelegatorRule(minimum_balance=Mutez(2), maximum_balance=Mutez(1)),
        "excluded_share": DelegatorRule(excluded_share=ExcludedShare.NAMED),
    }
    for name, rule in contradictions.items():
        with pytest.raises(SettingError) as refused:
            await rules.set_rule(payer, baker_id, ANN, rule, actor="a")
        assert refused.value.facts["setting"] == name
    with pytest.raises(SettingError, match="says nothing"):
        await rules.set_rule(payer, baker_id, ANN, DelegatorRule(), actor="a")
    with pytest.raises(AddressError, match="smart rollup"):
        await rules.set_rule(payer, baker_id, ANN, DelegatorRule(recipient=ROLLUP), actor="a")
    with pytest.raises(NotFoundError):
        await rules.remove_rule(payer, baker_id, ANN, actor="a")
    with pytest.raises(NotFoundError):
        await rules.set_rule(payer, ANN, BOB, IGNORED, actor="a")

    assert await rules_of(baker) == {}


async def test_the_wallet_that_pays_cannot_become_one_that_is_paid(baker: HostileBaker) -> None:
    payer, baker_id = baker.payer, baker.baker_id
    redirect = DelegatorRule(recipient=CYD)
    await rules.set_rule(payer, baker_id, ANN, redirect, actor="a")

    change = {"payout_address": CYD}
    async with payer.ledger.write() as tx:
        with pytest.raises(SettingError, match="which is the wallet that pays"):
            await bakers.change(tx, baker_id, change, actor="a", at=payer.clock())

    assert (await stored(baker)).payout_address != CYD


async def test_rules_are_found_by_address_and_by_where_they_lead(baker: HostileBaker) -> None:
    payer, baker_id = baker.payer, baker.baker_id
    await rules.replace_rules(
        payer, baker_id, {ANN: DelegatorRule(recipient=CYD), BOB: IGNORED}, actor="a"
    )

    for search, found in ((CYD[4:20].lower(), ANN), (BOB[10:], BOB)):
        listed = await rules.list_rules(payer.ledger, baker_id, Slice(), search=search)
        assert [each.address for each in listed.page.rows] == [found]


async def test_income_shares_are_replaced_and_tell_what_is_left(baker: HostileBaker) -> None:
    payer, baker_id = baker.payer, baker.baker_id
    text = f"address,of_bonds,of_fees\n{BOB},25,\n{ANN},12.5,50\n"

    assert await income.import_income(payer, baker_id, text, actor="user:ann") == 2

    found = await income.list_income(payer.ledger, baker_id)
    assert found.shares == [
        IncomeShare(ANN, of_bonds=BasisPoints(1_250), of_fees=BasisPoints(5_000)),
        IncomeShare(BOB, of_bonds=BasisPoints(2_500)),
    ]
    assert [found.left(name) for name in ("of_bonds", "of_fees", "of_excluded")] == [
        6_250,
        5_000,
        10_000,
    ]
    assert not found.is_excluded_named


async def test_income_shares_that_cannot_be_change_nothing(baker: HostileBaker) -> None:
    payer, baker_id = baker.payer, baker.baker_id
    kept = IncomeShare(ANN, of_excluded=BasisPoints(10_000))
    await income.replace_income(payer, baker_id, [kept], actor="a")
    named = DelegatorRule(excluded_share=ExcludedShare.NAMED)
    await rules.set_rule(payer, baker_id, BOB, named, actor="a")

    too_much = [IncomeShare(each, of_fees=BasisPoints(6_000)) for each in (ANN, BOB)]
    wallet = (await stored(baker)).payout_address
    for shares, told in (
        ([], "do not add up to 100 %"),
        ([*too_much, kept], "twice"),
        ([IncomeShare(CYD, of_excluded=BasisPoints(10_000)), *too_much], "of_fees must be"),
        ([kept, IncomeShare(wallet, of_fees=BasisPoints(1))], "the wallet that pays"),
        ([kept, IncomeShare(BOB)], "no share of anything"),
        ([IncomeShare(ROLLUP, of_bonds=BasisPoints(1))], "smart rollup"),
    ):
        with pytest.raises(InputError, match=told):
            await income.replace_income(payer, baker_id, shares, actor="a")
    for text, told in (
        (f"address,of_bonds\n{ANN},101\n", "the shares, line 2: '101' is not a percentage"),
        (f"address,of_bonds\n{ANN},0\n", "line 2: .* no share of anything"),
        (f'{{"{ANN}": {{"of_bonds": 5}},\n"{ANN}": {{"of_bonds": 5}}}}', "line 2: .* further up"),
    ):
        with pytest.raises(InputError, match=told):
            await income.import_income(payer, baker_id, text, actor="a")

    found = await income.list_income(payer.ledger, baker_id)
    assert found.shares == [kept]
    assert found.is_excluded_named


async def stored(baker: HostileBaker) -> bakers.Baker:
    async with baker.payer.ledger.read() as tx:
        return await bakers.get(tx, baker.baker_id)
