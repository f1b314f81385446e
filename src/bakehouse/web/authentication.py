"""Finding out who a request is from: a token, a session's cookie, or a demo's own machine."""

import hmac
from typing import Final

from fastapi import Request

from bakehouse.ledger import api_tokens, sessions
from bakehouse.ledger.roles import Grant, Role
from bakehouse.web.caller import NOBODY, Caller, CallerKind
from bakehouse.web.services import WebServices

COOKIE: Final = "bakehouse_session"
_API_PREFIX: Final = "/api/"

_CONFIGURED: Final = Caller(
    CallerKind.PROGRAM, "token:configured", Grant(Role.ADMINISTRATOR), name="the configured token"
)
_DEMO: Final = Caller(CallerKind.DEMO, "demo", Grant(Role.ADMINISTRATOR), name="demo")


async def authenticate(request: Request, services: WebServices) -> Caller:
    """Tell who a request is from; a wrong token is not made good by a right cookie."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        is_bearer = scheme.lower() == "bearer"
        return await _program(services, token.strip()) if is_bearer else NOBODY
    secret = request.cookies.get(COOKIE)
    person = await _person(services, secret) if secret else None
    if person is not None:
        return person
    if services.pages_are_open and not request.url.path.startswith(_API_PREFIX):
        return _DEMO
    return NOBODY


async def _program(services: WebServices, token: str) -> Caller:
    # Servers read header bytes as latin-1; what the token was sent as is the bytes.
    sent = token.encode("latin-1")
    if services.api_token and hmac.compare_digest(sent, services.api_token.encode()):
        return _CONFIGURED
    ledger, now = services.workshop.payer.ledger, services.workshop.payer.clock()
    async with ledger.read() as tx:
        found = await api_tokens.find(tx, token, at=now)
    if found is None:
        return NOBODY
    if api_tokens.is_use_to_be_noted(found, now):
        async with ledger.write() as tx:
            await api_tokens.note_use(tx, found.id, at=now)
    return Caller(CallerKind.PROGRAM, found.actor, found.grant, name=found.name)


async def _person(services: WebServices, secret: str) -> Caller | None:
    payer = services.workshop.payer
    async with payer.ledger.read() as tx:
        user = await sessions.user_of(tx, secret, at=payer.clock())
    if user is None:
        return None
    return Caller(CallerKind.PERSON, user.actor, user.grant, user.id, user.name)
