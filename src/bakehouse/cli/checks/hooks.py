"""Hooks: can their programs still be run, do their webhooks answer the door, is the secret there.

Nothing is asked of them: whoever wants that has `bakehouse hooks test`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import httpx2

from bakehouse.cli.checks.finding import Finding, fail, ok, warn
from bakehouse.errors import SettingError
from bakehouse.hooks.program import check_program
from bakehouse.hooks.webhook import check_url
from bakehouse.ledger import hooks
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.hooks import Hook
from bakehouse.ledger.states import HookPoint
from bakehouse.secret_box import SecretKeyFile

_CONNECT_SECONDS_MAX: Final = 5
#: At these payments wait for an answer; at the others a hook is told, and nothing waits.
_ASKED: Final = frozenset({HookPoint.PLAN_MADE, HookPoint.BEFORE_PAYING})


async def check_hooks(
    ledger: Ledger, secret_key: SecretKeyFile, baker_id: str, name: str
) -> AsyncIterator[Finding]:
    """Look at the hooks of one baker that are switched on."""
    async with ledger.read() as tx:
        found = await hooks.of_baker(tx, baker_id)
    for hook in found:
        if hook.is_in_use:
            yield await _hook(hook, secret_key, f"hook {hook.name} of {name}")


async def _hook(hook: Hook, secret_key: SecretKeyFile, subject: str) -> Finding:
    trouble = await _trouble(hook, secret_key)
    if trouble is None:
        return ok(subject, f"{hook.kind} {hook.place}")
    seen, advice = trouble
    if hook.points & _ASKED:
        return fail(subject, f"{seen}; payments wait for its answer", advice)
    return warn(subject, seen, advice)


async def _trouble(hook: Hook, secret_key: SecretKeyFile) -> tuple[str, str] | None:
    off = f"or `bakehouse hooks off {hook.baker_id} {hook.name}` to go on without"
    try:
        if hook.url is None:
            await asyncio.to_thread(check_program, hook.arguments)
            return None
        check_url(hook.url)
    except SettingError as error:
        return error.message, f"mend it, {off}"
    try:
        await asyncio.to_thread(secret_key.unseal, hook.sealed_secret or b"")
    except SettingError as error:
        return error.message, f"put the key back, or enter the hook anew, {off}"
    refusal = await _knock(httpx2.URL(hook.url))
    return None if refusal is None else (refusal, f"see whether its service runs, {off}")


async def _knock(url: httpx2.URL) -> str | None:
    """Connect, by TLS where it has to be, and say nothing; gives what is wrong."""
    is_tls = url.scheme == "https"
    place = f"{url.host}:{url.port or (443 if is_tls else 80)}"
    try:
        async with asyncio.timeout(_CONNECT_SECONDS_MAX):
            _, writer = await asyncio.open_connection(
                url.host, url.port or (443 if is_tls else 80), ssl=is_tls or None
            )
    except TimeoutError:
        return f"{place} does not answer within {_CONNECT_SECONDS_MAX} s"
    except OSError as error:
        return f"{place} cannot be reached ({error.strerror or type(error).__name__})"
    writer.close()
    # Who hangs up first is of no interest.
    with suppress(OSError):
        await writer.wait_closed()
    return None
