"""The one way to reach a hook, whatever it is: a request goes in, its answer's bytes come out."""

import asyncio
import time
from dataclasses import dataclass, field

import httpx2

from bakehouse.errors import HookFailedError, SettingError
from bakehouse.hooks.program import run_program
from bakehouse.hooks.question import Request
from bakehouse.hooks.webhook import call_webhook, signed_headers
from bakehouse.ledger.hooks import Hook
from bakehouse.secret_box import SecretKeyFile


@dataclass(frozen=True, slots=True)
class HookPatience:
    """How long hooks are waited for between two questions, in seconds."""

    #: After a veto, unless a person has it asked again before.
    after_veto_seconds: int = 600
    #: After a failure; it doubles with each further one, up to the most.
    after_failure_seconds: int = 30
    after_failure_seconds_max: int = 600


@dataclass(frozen=True, slots=True)
class HookCaller:
    """What calling takes, handed in. Without client and key, webhooks cannot be called."""

    client: httpx2.AsyncClient | None = None
    secret_key: SecretKeyFile | None = None
    patience: HookPatience = field(default_factory=HookPatience)

    async def call(self, hook: Hook, request: Request) -> bytes:
        """Give what a hook answers; raises HookFailedError without a whole answer in time."""
        if hook.url is None:
            return await run_program(hook.arguments, request, hook.seconds_max)
        if self.client is None or self.secret_key is None or hook.sealed_secret is None:
            raise HookFailedError("webhooks cannot be called from here")
        try:
            secret = await asyncio.to_thread(self.secret_key.unseal, hook.sealed_secret)
            # What is signed is the moment of this very request, by the world's clock.
            headers = signed_headers(secret, request, int(time.time()))
        except SettingError as error:
            raise HookFailedError(error.message) from error
        return await call_webhook(self.client, hook.url, headers, request, hook.seconds_max)
