"""Texts of Tezos and their bytes: one spelling each, and nothing accepted that is not exact."""

from string import ascii_letters, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.errors import EncodingError
from bakehouse.tezos.base58check import TEXT_LENGTH_MAX, Prefix, decode, encode

ADDRESS = "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb"
ALPHABET = sorted(set(digits + ascii_letters) - set("0OIl"))

# A busy machine must not fail a property for being slow.
unhurried = settings(deadline=None)
every_kind = pytest.mark.parametrize("prefix", Prefix, ids=lambda prefix: prefix.name)


@pytest.mark.parametrize(
    ("text", "prefix", "payload"),
    [
        ("NetXdQprcVkpaWU", Prefix.CHAIN_ID, "7a06a770"),
        (ADDRESS, Prefix.TZ1, "6b82198cb179e8306c1bedd08f12dc863f328886"),
        (
            "KT1DieU51jzXLerQx5AqMCiLC1SsCeM8yRat",
            Prefix.KT1,
            "38560805b4c8d7b7fbbafad5c59dbfa3878ca705",
        ),
        (
            "BLockGenesisGenesisGenesisGenesisGenesisCCCCCeZiLHU",
            Prefix.BLOCK_HASH,
            "8fcf233671b6a04fcf679d2a381c2544ea6c1ea29ba6157776ed842426e5cab8",
        ),
    ],
)
def test_known_texts_stand_for_known_bytes(text: str, prefix: Prefix, payload: str) -> None:
    assert decode(text) == (prefix, bytes.fromhex(payload))
    assert encode(prefix, bytes.fromhex(payload)) == text


@unhurried
@given(st.sampled_from(Prefix), st.data())
def test_every_payload_is_read_back_from_its_text(prefix: Prefix, data: st.DataObject) -> None:
    payload = data.draw(st.binary(min_size=prefix.size, max_size=prefix.size))

    assert decode(encode(prefix, payload)) == (prefix, payload)


@every_kind
def test_texts_of_a_kind_have_one_beginning_and_one_length(prefix: Prefix) -> None:
    lowest = encode(prefix, bytes(prefix.size))
    highest = encode(prefix, b"\xff" * prefix.size)

    assert lowest.startswith(prefix.text)
    assert highest.startswith(prefix.text)
    assert len(lowest) == len(highest)


def test_the_longest_kind_is_as_long_as_the_limit() -> None:
    assert max(len(encode(prefix, bytes(prefix.size))) for prefix in Prefix) == TEXT_LENGTH_MAX


@every_kind
def test_a_payload_of_another_size_is_not_written(prefix: Prefix) -> None:
    with pytest.raises(EncodingError, match=rf"it takes {prefix.size}"):
        encode(prefix, bytes(prefix.size - 1))
    with pytest.raises(EncodingError, match=rf"it takes {prefix.size}"):
        encode(prefix, bytes(prefix.size + 1))


def test_any_one_changed_character_is_noticed() -> None:
    for position, right in enumerate(ADDRESS):
        for wrong in ALPHABET:
            if wrong == right:
                continue
            changed = ADDRESS[:position] + wrong + ADDRESS[position + 1 :]
            with pytest.raises(EncodingError):
                decode(changed)


def test_any_two_neighbours_exchanged_are_noticed() -> None:
    for position in range(len(ADDRESS) - 1):
        left, right = ADDRESS[position], ADDRESS[position + 1]
        if left == right:
            continue
        changed = ADDRESS[:position] + right + left + ADDRESS[position + 2 :]
        with pytest.raises(EncodingError):
            decode(changed)


def test_any_missing_or_added_character_is_noticed() -> None:
    for position in range(len(ADDRESS)):
        with pytest.raises(EncodingError):
            decode(ADDRESS[:position] + ADDRESS[position + 1 :])
        for added in ALPHABET:
            with pytest.raises(EncodingError):
                decode(ADDRESS[:position] + added + ADDRESS[position:])


@unhurried
@given(st.text(max_size=150))
def test_text_at_random_is_refused_with_an_encoding_error(text: str) -> None:
    with pytest.raises(EncodingError):
        decode(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        (f"1{ADDRESS}", "no Tezos text begins with 1"),
        (f"{ADDRESS} ", r"character 37, ' ', is not a base58 character"),
        (f"\u200b{ADDRESS}", r"character 1, '\\u200b', is not a base58 character"),
        (f"{ADDRESS[:-1]}c", "its checksum is wrong"),
        ("z", "its checksum is wrong"),
        ("2" * (TEXT_LENGTH_MAX + 1), "it has 143 characters"),
    ],
)
def test_the_message_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        decode(text)


def test_a_kind_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(EncodingError, match="its prefix is not one of tz2, KT1"):
        decode(ADDRESS, Prefix.TZ2, Prefix.KT1)


def test_two_kinds_that_begin_alike_are_told_apart_by_their_size() -> None:
    assert decode(encode(Prefix.EDSK_SEED, bytes(32)))[0] is Prefix.EDSK_SEED
    assert decode(encode(Prefix.EDSK_SECRET, bytes(64)))[0] is Prefix.EDSK_SECRET


def test_a_refused_text_is_never_repeated_because_it_may_be_a_secret() -> None:
    secret = encode(Prefix.EDSK_SEED, bytes(32))
    for text in (secret, secret[:-1], f"{secret}\n", secret.swapcase()):
        with pytest.raises(EncodingError) as refusal:
            decode(text, Prefix.EDPK)
        assert text[5:15] not in refusal.value.message
