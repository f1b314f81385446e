"""The link for the first administrator, for the commands that serve pages. No commands here."""

from bakehouse.ledger import users
from bakehouse.payments.payer import Payer
from bakehouse.web.access import WELCOME_PATH


async def welcome(payer: Payer, url: str) -> str:
    """Give a line with the one-time link of the first administrator, while there is none."""
    async with payer.ledger.write() as tx:
        if await users.has_administrator(tx):
            return ""
        code = await users.new_link(tx, None, at=payer.clock())
    return f"  begin at   {url}{WELCOME_PATH}?code={code}  (works once, for a day)\n"
