"""Users with passwords, and browsers that have signed in as them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from bakehouse.ledger import api_tokens, users
from bakehouse.ledger.roles import Grant
from bakehouse.ledger.users import User
from tests.web.conftest import BROWSER, NOW, PASSWORDS, House, new_client

PASSWORD = "four loaves on a warm stone"
OWN = {"sec-fetch-site": "same-origin"}


async def add_user(house: House, name: str, grant: Grant, password: str = PASSWORD) -> User:
    """A user who has chosen a password."""
    password_hash = await PASSWORDS.hashed(password, name)
    async with house.workshop.payer.ledger.write() as tx:
        user = await users.add(tx, name, grant, actor="test", at=NOW)
        await users.set_password(tx, user.id, password_hash, actor="test", at=NOW)
        return await users.get(tx, user.id)


async def add_token(house: House, name: str, grant: Grant) -> str:
    async with house.workshop.payer.ledger.write() as tx:
        return await api_tokens.add(tx, name, grant, actor="test", at=NOW)


async def sign_in(
    browser: httpx2.AsyncClient, name: str, password: str = PASSWORD, wanted: str = "/"
) -> httpx2.Response:
    form = {"name": name, "password": password, "next": wanted}
    return await browser.post("/sign-in", data=form, headers=OWN)


@asynccontextmanager
async def browser_of(house: House, name: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser in which a user is signed in; what it sends comes from our own pages."""
    async with new_client(house.url, {**BROWSER, **OWN}) as browser:
        entered = await sign_in(browser, name)
        assert entered.status_code == 303, entered.text
        yield browser
