"""A person's password, asked for once more before something grave. A token never has one."""

from fastapi import Request

from bakehouse.errors import ForbiddenError
from bakehouse.ledger import sign_in_throttle, users
from bakehouse.ledger.sign_in_throttle import Attempt
from bakehouse.web.caller import Caller, CallerKind
from bakehouse.web.denial import client_of, denied
from bakehouse.web.services import WebServices


async def require_password(
    request: Request, services: WebServices, caller: Caller, password: str
) -> None:
    """Return if the caller is a person and this is their password; raises ForbiddenError.

    Wrong ones count like those of signing in, so this is no way to guess.
    """
    if caller.kind is not CallerKind.PERSON or caller.user_id is None:
        raise ForbiddenError("only a person who is signed in may do this, with their password")
    payer = services.workshop.payer
    attempt = Attempt(caller.name, client_of(request))
    async with payer.ledger.write() as tx:
        is_admitted = await sign_in_throttle.admit(tx, attempt, at=payer.clock())
    if not is_admitted:
        denied(request, "too many wrong passwords", caller.actor)
        raise ForbiddenError("too many wrong passwords: wait some minutes, then try again")
    async with payer.ledger.read() as tx:
        known_hash = await users.password_hash(tx, caller.user_id)
    if not await services.passwords.is_right(password, known_hash):
        denied(request, "wrong password", caller.actor)
        raise ForbiddenError("the password is wrong")
    async with payer.ledger.write() as tx:
        await sign_in_throttle.forget(tx, attempt)
