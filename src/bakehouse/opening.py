"""Opening what payments work with, by the settings: ledger, sources, keys. Nothing is run here.

It imports no more than it opens: most commands need no queue and no pages, which take seconds.
"""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2

from bakehouse.config import Config
from bakehouse.errors import SettingError
from bakehouse.hooks.caller import HookCaller
from bakehouse.ledger.database import Ledger
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.tezos.key_file import read_key_file
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.keys import SecretKey
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.pace import Paces
from bakehouse.tezos.passphrase import CREDENTIAL
from bakehouse.tezos.signer import LocalSigner
from bakehouse.tezos.source_observer import UNOBSERVED, SourceObserver
from bakehouse.tezos.transport import JsonSource
from bakehouse.tezos.tzkt import TzktClient


@dataclass(frozen=True, slots=True)
class Keys:
    """What the key files hold: payout keys, and the key that a remote signer knows us by."""

    signers: tuple[LocalSigner, ...] = ()
    authentication: SecretKey | None = None


def utc_now() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


async def open_payer(  # noqa: PLR0913 - each has a default
    stack: AsyncExitStack,
    config: Config,
    signers: tuple[LocalSigner, ...] = (),
    limits: PaymentLimits | None = None,
    clock: Callable[[], datetime] = utc_now,
    *,
    with_keys: bool = True,
    passphrase: str | None = None,
    migrate: bool = True,
    node_observer: SourceObserver = UNOBSERVED,
    indexer_observer: SourceObserver = UNOBSERVED,
) -> Payer:
    """Open ledger, clients and keys; they are closed with `stack`. Who only reads needs no keys.

    `passphrase` is what a person typed; without it, it is read from where the settings say. Unless
    it is to `migrate`, a ledger whose schema is not this version's is refused (ConflictError).
    """
    url = config.ledger_url
    ledger = await (Ledger.open(url) if migrate else Ledger.join(url))
    stack.push_async_callback(ledger.close)
    client = await stack.enter_async_context(httpx2.AsyncClient())
    paces = Paces(config.requests_per_second)
    node = NodeClient(
        [
            JsonSource(url, client, observer=node_observer, pace=paces.of(url))
            for url in config.node_urls
        ],
        chain_id=config.chain_id,
        now=clock,
        head_age_seconds_max=config.head_age_seconds_max,
        is_shared=True,
    )
    indexer = TzktClient(
        [
            JsonSource(url, client, observer=indexer_observer, pace=paces.of(url))
            for url in config.indexer_urls
        ],
        chain_id=config.chain_id,
    )
    keys = await asyncio.to_thread(_read_keys, config, passphrase) if with_keys else Keys()
    keyring = Keyring(
        (*signers, *keys.signers),
        remote_url=config.remote_signer_url,
        client=client,
        authentication_key=keys.authentication,
    )
    return Payer(
        ledger,
        node,
        indexer,
        keyring,
        clock,
        limits or PaymentLimits(),
        free_bytes=_free_bytes(config),
        hooks=HookCaller(client, config.secret_key),
    )


def _free_bytes(config: Config) -> Callable[[], int]:
    """Give what tells how much more can be written down; of a server's disk nothing is known."""
    if not config.ledger_url.startswith("sqlite"):
        return _plenty
    return lambda: shutil.disk_usage(config.data_dir).free


def _plenty() -> int:
    return 2**63


def _read_keys(config: Config, passphrase: str | None) -> Keys:
    files, authentication = config.wallet_files, config.remote_signer_auth_key_file
    if not files and authentication is None:
        return Keys()
    passphrase = passphrase or config.passphrase_source.read()
    if passphrase is None:
        raise SettingError(
            "the key files need a passphrase, keys at rest are encrypted: set "
            "BAKEHOUSE_KEY_PASSPHRASE_FILE, BAKEHOUSE_KEY_PASSPHRASE_FD, or the systemd credential "
            f"{CREDENTIAL}"
        )
    return Keys(
        tuple(LocalSigner(read_key_file(path, passphrase)) for path in files),
        None if authentication is None else read_key_file(authentication, passphrase),
    )
