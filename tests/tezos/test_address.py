"""Addresses are accepted by checksum, for a purpose, and never corrected."""

from collections.abc import Callable

import pytest

from bakehouse.errors import AddressError
from bakehouse.tezos.address import (
    Address,
    is_contract,
    parse_address,
    parse_implicit,
    parse_recipient,
)

TZ1 = "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb"
TZ2 = "tz2Ch1abG7FNiibmV26Uzgdsnfni9XGrk5wD"
TZ3 = "tz3Lfm6CyfSTZ7EgMckptZZGiPxzs9GK59At"
TZ4 = "tz4MvCEiLgK6vYRSkug9Nz64UNTbT4McNq8m"
KT1 = "KT1DieU51jzXLerQx5AqMCiLC1SsCeM8yRat"
SR1 = "sr1Ghq66tYK9y3r8CC1Tf8i8m5nxh8nTvZEf"

PARSERS = [parse_address, parse_recipient, parse_implicit]


@pytest.mark.parametrize(
    ("parse", "accepted", "refused"),
    [
        (parse_address, [TZ1, TZ2, TZ3, TZ4, KT1, SR1], []),
        (parse_recipient, [TZ1, TZ2, TZ3, TZ4, KT1], [SR1]),
        (parse_implicit, [TZ1, TZ2, TZ3, TZ4], [KT1, SR1]),
    ],
)
def test_each_purpose_has_its_kinds_of_address(
    parse: Callable[[str], Address], accepted: list[str], refused: list[str]
) -> None:
    for text in accepted:
        assert parse(text) == text
    for text in refused:
        with pytest.raises(AddressError, match=text):
            parse(text)


def test_a_rollup_is_refused_as_recipient_with_the_reason() -> None:
    with pytest.raises(AddressError, match="is a smart rollup, which cannot be paid"):
        parse_recipient(SR1)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(f" {TZ1}", id="space before"),
        pytest.param(f"{TZ1}\n", id="newline after"),
        pytest.param(f"{TZ1[:9]}\t{TZ1[9:]}", id="tab within"),
        pytest.param(f"{TZ1}\N{NO-BREAK SPACE}", id="no-break space"),
        pytest.param(f"{TZ1[:9]}\N{ZERO WIDTH SPACE}{TZ1[9:]}", id="zero-width space"),
        pytest.param(f"\N{ZERO WIDTH NO-BREAK SPACE}{TZ1}", id="byte order mark"),
        pytest.param(f"\N{RIGHT-TO-LEFT OVERRIDE}{TZ1}", id="right-to-left override"),
        pytest.param(TZ1.replace("c", "\N{CYRILLIC SMALL LETTER ES}"), id="Cyrillic look-alike"),
        pytest.param(TZ1.replace("1", "\N{FULLWIDTH DIGIT ONE}"), id="full-width digit"),
        pytest.param(f"{TZ1}\0", id="null character"),
        pytest.param(TZ1.lower(), id="lower case"),
        pytest.param(TZ1.upper(), id="upper case"),
        pytest.param(TZ1.swapcase(), id="swapped case"),
        pytest.param(TZ1[:-1], id="last character missing"),
        pytest.param(f"{TZ1}{TZ1[-1]}", id="last character doubled"),
        pytest.param(f"{TZ1[:-1]}c", id="last character mistyped"),
        pytest.param(f"{TZ1}{TZ1}", id="pasted twice"),
        pytest.param(f"1{TZ1}", id="leading zero"),
        pytest.param(f"tz2{TZ1[3:]}", id="another prefix"),
        pytest.param("NetXdQprcVkpaWU", id="a chain id"),
        pytest.param("edpkvGfYw3LyB1UcCahKQk4rF2tvbMUk8GFiTuMjL75uGXrpvKXhjn", id="a public key"),
        pytest.param("0x52908400098527886E0F7030069857D2E4169EE7", id="an Ethereum address"),
        pytest.param("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", id="a Bitcoin address"),
    ],
)
def test_anything_but_an_exact_address_is_refused(
    parse: Callable[[str], Address], text: str
) -> None:
    with pytest.raises(AddressError, match="is not a valid Tezos address"):
        parse(text)


def test_the_message_names_the_text_and_shows_what_cannot_be_seen() -> None:
    with pytest.raises(AddressError) as refusal:
        parse_address(f"{TZ1}\N{ZERO WIDTH SPACE}")

    assert refusal.value.message == (
        rf"'{TZ1}\u200b' is not a valid Tezos address: "
        r"character 37, '\u200b', is not a base58 character"
    )


def test_a_document_pasted_as_address_does_not_fill_the_message() -> None:
    with pytest.raises(AddressError) as refusal:
        parse_address("tz1" * 100_000)

    assert len(refusal.value.message) < 200
    assert "it has 300000 characters" in refusal.value.message


def test_only_originated_contracts_run_code() -> None:
    assert is_contract(parse_address(KT1))
    assert not any(is_contract(parse_address(text)) for text in (TZ1, TZ2, TZ3, TZ4))
