"""Passwords: what they cost whoever guesses, and that nobody's costs as much."""

import pytest
from argon2 import Type, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from bakehouse.errors import InputError
from bakehouse.web.passwords import LENGTH_MAX, Passwords
from tests.web.conftest import PASSWORDS
from tests.web.people import PASSWORD


async def test_as_shipped_a_guess_costs_what_rfc_9106_asks_for() -> None:
    shipped = Passwords()

    password_hash = await shipped.hashed(PASSWORD, "anna")

    cost = extract_parameters(password_hash)
    assert cost == RFC_9106_LOW_MEMORY
    assert (cost.type, cost.memory_cost, cost.time_cost) == (Type.ID, 65_536, 3)
    assert await shipped.is_right(PASSWORD, password_hash)
    assert not await shipped.is_right(PASSWORD + "x", password_hash)


@pytest.mark.parametrize("passwords", [Passwords(), PASSWORDS])
def test_who_is_not_there_is_as_costly_to_guess_at(passwords: Passwords) -> None:
    cost, told = extract_parameters(passwords.nobodys_hash), passwords.hasher

    assert (cost.memory_cost, cost.time_cost) == (told.memory_cost, told.time_cost)
    assert (cost.parallelism, cost.hash_len) == (told.parallelism, told.hash_len)


async def test_nobodys_password_is_always_wrong_and_so_is_one_beyond_measure() -> None:
    overlong = "a loaf of rye " * LENGTH_MAX

    assert not await PASSWORDS.is_right(PASSWORD, None)
    assert not await PASSWORDS.is_right(overlong, PASSWORDS.hasher.hash(overlong))


@pytest.mark.parametrize("guessed", ["a short one", "aaaaaaaaaaaaaaaa", "anna and her loaves"])
async def test_what_is_easily_guessed_is_refused(guessed: str) -> None:
    with pytest.raises(InputError):
        await PASSWORDS.hashed(guessed, "anna")
