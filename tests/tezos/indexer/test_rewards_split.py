"""Reward splits: whole and adding up to the mutez, or refused; never read as something else."""

import json
from typing import Any, Final

import pytest

from bakehouse.errors import SplitRefusedError
from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.rewards_split import parse_split, parse_split_text

Document = dict[str, Any]

#: The names of today, and those that TzKT used before 1.16.
OLD_NAMES = {
    "futureAttestations": "futureEndorsements",
    "futureAttestationRewards": "futureEndorsementRewards",
    "attestationRewardsDelegated": "endorsementRewardsDelegated",
}
DAL_NAMES = (
    "futureDalAttestationRewards",
    "dalAttestationRewardsDelegated",
    "missedDalAttestationRewards",
)
FUTURE = (
    "futureBlocks",
    "futureBlockRewards",
    "futureAttestations",
    "futureAttestationRewards",
    "futureDalAttestationRewards",
)
NUMBERS = (
    "cycle",
    "ownDelegatedBalance",
    "externalDelegatedBalance",
    "delegatorsCount",
    "blockRewardsDelegated",
    "attestationRewardsDelegated",
    "dalAttestationRewardsDelegated",
    "vdfRevelationRewardsDelegated",
    "nonceRevelationRewardsDelegated",
    "blockFees",
    *FUTURE,
)
SMART_ROLLUP = encode(Prefix.SR1, bytes(20))
STRANGER = encode(Prefix.TZ1, bytes([9] * 20))


def without(document: Document, *names: str) -> Document:
    return {name: value for name, value in document.items() if name not in names}


def with_old_names(document: Document) -> Document:
    """Tell the same as TzKT before 1.14.8 did: of endorsements, and not of DAL."""
    old = without(document, *DAL_NAMES)
    return {OLD_NAMES.get(name, name): value for name, value in old.items()}


def test_a_split_is_read_to_the_mutez(split: Document) -> None:
    assert parse_split(split).rewards == CycleRewards(
        cycle=1336,
        own_delegated_balance=Mutez(931_097_498),
        external_delegated_balance=Mutez(900_000_000),
        block_rewards=Mutez(15_919_946),
        attestation_rewards=Mutez(15_313_332),
        dal_attestation_rewards=Mutez(11),
        vdf_revelation_rewards=Mutez(22),
        nonce_revelation_rewards=Mutez(33),
        block_fees=Mutez(357_034),
        delegators=tuple(
            DelegatorBalance(each["address"], each["delegatedBalance"], each["emptied"])
            for each in split["delegators"]
        ),
    )


def test_amounts_may_be_strings_of_digits(split: Document) -> None:
    document = split | {name: str(split[name]) for name in NUMBERS}
    for delegator in document["delegators"]:
        delegator["delegatedBalance"] = str(delegator["delegatedBalance"])

    assert parse_split(document) == parse_split(split)


def test_the_old_names_of_attestations_mean_the_same(split: Document) -> None:
    old = parse_split(with_old_names(split)).rewards

    assert old.attestation_rewards == 15_313_332
    assert old.dal_attestation_rewards == 0


def test_both_names_of_attestations_may_stand_together_when_they_agree(split: Document) -> None:
    both = split | {old: split[new] for new, old in OLD_NAMES.items()}

    assert parse_split(both) == parse_split(split)


@pytest.mark.parametrize(("new", "old"), OLD_NAMES.items())
def test_two_names_that_disagree_are_refused(split: Document, new: str, old: str) -> None:
    with pytest.raises(SplitRefusedError, match=f"{new} and {old} mean the same, but differ"):
        parse_split(split | {old: split[new] + 1})


@pytest.mark.parametrize("name", OLD_NAMES)
def test_neither_name_is_never_zero(split: Document, name: str) -> None:
    with pytest.raises(SplitRefusedError, match=f"{name} is missing"):
        parse_split(without(split, name))


@pytest.mark.parametrize("name", ["dalAttestationRewardsDelegated", "futureDalAttestationRewards"])
def test_a_document_that_knows_any_of_dal_must_know_all(split: Document, name: str) -> None:
    with pytest.raises(SplitRefusedError, match=f"{name} is missing"):
        parse_split(without(split, name))


def test_a_document_that_speaks_of_attestations_must_know_dal(split: Document) -> None:
    with pytest.raises(SplitRefusedError, match="dalAttestationRewardsDelegated is missing"):
        parse_split(without(split, *DAL_NAMES))


@pytest.mark.parametrize("name", [*NUMBERS, "delegators"])
def test_a_missing_field_is_named(split: Document, name: str) -> None:
    with pytest.raises(SplitRefusedError, match=f"{name} is missing"):
        parse_split(without(split, name))


#: No whole numbers of 0 or more.
NO_AMOUNTS: Final[tuple[Any, ...]] = (
    *(-1, "-1", 1.0, "1.0", 1e3, True, False, None, "", " 1", "1_0", "٣", [], {}, 2**63, "00"),
)


@pytest.mark.parametrize("name", NUMBERS)
def test_an_amount_that_is_no_whole_number_is_named(split: Document, name: str) -> None:
    complaint = f"{name} must be a whole number of 0 or more"

    taken = [each for each in NO_AMOUNTS if complaint not in refusal_of(split | {name: each})]

    assert taken == []


def refusal_of(document: Document) -> str:
    """What is said of a document that is refused; nothing of one that is not."""
    try:
        parse_split(document)
    except SplitRefusedError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("name", ["address", "delegatedBalance", "emptied"])
def test_a_missing_field_of_a_delegator_is_named_with_its_place(split: Document, name: str) -> None:
    del split["delegators"][2][name]

    with pytest.raises(SplitRefusedError, match=rf"delegators\[2\]\.{name} is missing"):
        parse_split(split)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("delegatedBalance", 7.0, r"delegators\[2\]\.delegatedBalance must be a whole number"),
        ("delegatedBalance", True, r"delegators\[2\]\.delegatedBalance must be a whole number"),
        ("emptied", 0, r"delegators\[2\]\.emptied must be true or false"),
        ("emptied", None, r"delegators\[2\]\.emptied must be true or false"),
        ("address", 3, r"delegators\[2\]\.address must be a text"),
        ("address", "", r"delegators\[2\]\.address must be a text"),
        ("address", f"{STRANGER[:-1]}1", r"delegators\[2\]\.address: .* checksum"),
        ("address", f" {STRANGER}", r"delegators\[2\]\.address: .*not a valid Tezos address"),
        ("address", SMART_ROLLUP, r"delegators\[2\]\.address: .*smart rollup"),
    ],
)
def test_a_wrong_field_of_a_delegator_is_named_with_its_place(
    split: Document, name: str, value: Any, complaint: str
) -> None:
    split["delegators"][2][name] = value

    with pytest.raises(SplitRefusedError, match=complaint):
        parse_split(split)


@pytest.mark.parametrize("entry", [None, [], "tz1", 3])
def test_a_delegator_that_is_no_object_is_named_by_its_place(split: Document, entry: Any) -> None:
    with pytest.raises(SplitRefusedError, match=r"delegators\[5\] must be an object"):
        parse_split(split | {"delegators": [*split["delegators"], entry]})


def test_a_delegator_named_twice_is_refused_even_when_the_sum_is_right(split: Document) -> None:
    twice = split["delegators"][0]["address"]
    split["delegators"][3]["address"] = twice

    with pytest.raises(SplitRefusedError, match=f"names delegator {twice} twice"):
        parse_split(split)


@pytest.mark.parametrize(
    ("difference", "gap"), [(1, "1 mutez are missing"), (-1, "1 mutez are too many")]
)
def test_balances_that_do_not_add_up_are_not_payable(
    split: Document, difference: int, gap: str
) -> None:
    total = split["externalDelegatedBalance"] + difference

    with pytest.raises(SplitRefusedError) as caught:
        parse_split(split | {"externalDelegatedBalance": total})

    assert caught.value.message == (
        "this reward split is not payable: the balances of its 5 delegators add up to "
        f"900000000 mutez, but externalDelegatedBalance is {total}: {gap}"
    )


def test_a_baker_without_delegators_is_a_split_too(split: Document) -> None:
    alone = {"externalDelegatedBalance": 0, "delegators": [], "delegatorsCount": 0}

    assert parse_split(split | alone).rewards.delegators == ()


def test_a_cycle_that_expects_no_more_is_closed(split: Document) -> None:
    assert parse_split(split).is_closed


@pytest.mark.parametrize("name", FUTURE)
def test_a_cycle_that_expects_anything_is_not_closed(split: Document, name: str) -> None:
    assert not parse_split(split | {name: 1}).is_closed


@pytest.mark.parametrize("document", [None, [], [{}], "split", 3])
def test_what_is_no_object_is_no_split(document: Any) -> None:
    with pytest.raises(SplitRefusedError, match="it must be an object"):
        parse_split(document)


def test_a_split_is_read_from_the_bytes_of_a_file(split: Document) -> None:
    assert parse_split_text(json.dumps(split).encode()) == parse_split(split)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"<html>429 Too Many Requests</html>", "it is an HTML or XML page, not JSON"),
        (b"\n  ", "it is empty"),
        (b'{"cycle": 1336, "delegators": [{"address": "tz1Q', "JSON cut short"),
        (b'{"cycle": 1336, "delegators": []', "JSON cut short"),
        (b"\x00\x01\x02", "not JSON"),
        (b'{"cycle": 1, "cycle": 2}', 'names "cycle" twice'),
        (b'{"cycle": Infinity}', "holds Infinity, which is not JSON"),
    ],
)
def test_a_file_that_is_no_split_is_refused_in_one_sentence(
    split: Document, data: bytes, complaint: str
) -> None:
    with pytest.raises(SplitRefusedError, match=complaint) as caught:
        parse_split_text(data)

    assert caught.value.message.startswith("this is not a reward split: it ")
    assert "\n" not in caught.value.message


def test_a_key_told_twice_is_refused_wherever_it_stands(split: Document) -> None:
    text = json.dumps(split).replace(
        '"delegatedBalance": 7,', '"delegatedBalance": 6, "delegatedBalance": 7,'
    )

    with pytest.raises(SplitRefusedError, match='names "delegatedBalance" twice'):
        parse_split_text(text.encode())
