"""Forging over operations at random: equal to pytezos', an independent referee, and reversible."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.errors import EncodingError
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.forging import forge
from bakehouse.tezos.operation import (
    NUMBER_MAX,
    Content,
    Delegation,
    OperationGroup,
    Reveal,
    Transaction,
    group_from_json,
    group_to_json,
)
from bakehouse.tezos.unforging import unforge

# A busy machine must not fail a property for being slow.
unhurried = settings(deadline=None)


def texts(*prefixes: Prefix) -> st.SearchStrategy[str]:
    return st.sampled_from(prefixes).flatmap(
        lambda prefix: st.binary(min_size=prefix.size, max_size=prefix.size).map(
            lambda payload: encode(prefix, payload)
        )
    )


def addresses(*prefixes: Prefix) -> st.SearchStrategy[Address]:
    return texts(*prefixes).map(Address)


IMPLICIT = (Prefix.TZ1, Prefix.TZ2, Prefix.TZ3, Prefix.TZ4)
numbers = st.integers(0, NUMBER_MAX) | st.sampled_from([0, 127, 128, 16_383, 16_384, NUMBER_MAX])
manager_fields: dict[str, st.SearchStrategy[Any]] = {
    "source": addresses(*IMPLICIT),
    "fee": numbers.map(Mutez),
    "counter": numbers,
    "gas_limit": numbers,
    "storage_limit": numbers,
}
transactions = st.builds(
    Transaction,
    **manager_fields,
    amount=numbers.map(Mutez),
    destination=addresses(*IMPLICIT, Prefix.KT1, Prefix.SR1),
)
reveals = st.builds(
    Reveal,
    **manager_fields,
    public_key=texts(Prefix.EDPK, Prefix.SPPK, Prefix.P2PK, Prefix.BLPK),
    proof=st.none() | texts(Prefix.BLSIG),
)
delegations = st.builds(Delegation, **manager_fields, delegate=st.none() | addresses(*IMPLICIT))
contents: st.SearchStrategy[Content] = transactions | reveals | delegations
groups = st.builds(
    OperationGroup,
    branch=texts(Prefix.BLOCK_HASH),
    contents=st.lists(contents, min_size=1, max_size=6).map(tuple),
)


@pytest.fixture(scope="module")
def pytezos_forge() -> Callable[[dict[str, Any]], bytes]:
    if sys.version_info >= (3, 14):
        pytest.skip("pytezos does not support Python 3.14 yet")
    with warnings.catch_warnings():
        # What pytezos' own dependencies warn about at import is not ours to answer for.
        warnings.simplefilter("ignore")
        from pytezos.operation.forge import forge_operation_group  # noqa: PLC0415 - costs a second
    forge_group: Callable[[dict[str, Any]], bytes] = forge_operation_group
    return forge_group


@unhurried
@given(groups)
def test_any_group_has_the_bytes_that_pytezos_gives_it(
    pytezos_forge: Callable[[dict[str, Any]], bytes], group: OperationGroup
) -> None:
    assert forge(group) == pytezos_forge(group_to_json(group))


@unhurried
@given(groups)
def test_any_group_is_read_back_from_its_bytes_and_from_its_json(group: OperationGroup) -> None:
    assert unforge(forge(group)) == group
    assert group_from_json(group_to_json(group)) == group


@unhurried
@given(groups, st.data())
def test_changed_bytes_are_refused_or_say_another_thing_in_its_only_spelling(
    group: OperationGroup, data: st.DataObject
) -> None:
    forged = bytearray(forge(group))
    position = data.draw(st.integers(0, len(forged) - 1))
    forged[position] ^= data.draw(st.integers(1, 255))
    try:
        read = unforge(bytes(forged))
    except EncodingError:
        return
    assert read != group
    assert forge(read) == bytes(forged)
