"""What every role stands on, opened by the settings: ledger, chain, queue. Nothing is run here."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from bakehouse import __version__
from bakehouse.config import Config
from bakehouse.errors import SettingError
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.valkey import EmbeddedValkey
from bakehouse.jobs.workshop import MINUTE_SECONDS, Workshop
from bakehouse.observability.instruments import Instruments
from bakehouse.observability.source_metrics import SourceKind
from bakehouse.observability.tracing import Tracer, tracing
from bakehouse.opening import open_payer, utc_now
from bakehouse.payments.payer import PaymentLimits
from bakehouse.roles.fitting import require_same_key, require_same_ledger
from bakehouse.tezos.signer import LocalSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What a process brings along for signing, and how it differs from the usual."""

    #: Whether key files are opened; who signs nothing needs none.
    with_keys: bool = True
    #: Of the key files, as a person typed it; without it, settings say where it is.
    passphrase: str | None = field(default=None, repr=False)
    signers: tuple[LocalSigner, ...] = ()
    limits: PaymentLimits | None = None
    minute_seconds: int = MINUTE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """Everything below the roles, open."""

    config: Config
    workshop: Workshop
    scheduler: Scheduler
    instruments: Instruments
    tracer: Tracer

    @property
    def is_shared(self) -> bool:
        """Whether other processes may work on the same queue."""
        return self.config.redis_address is not None


def require_shared(config: Config, command: str) -> None:
    """Refuse to run a part of the house where other parts could not be; raises SettingError."""
    if config.redis_address is None:
        raise SettingError(
            f"`bakehouse {command}` shares its queue with other processes: set REDIS_URL or "
            "REDIS_HOST (`bakehouse run` does everything by itself)"
        )
    if config.ledger_url.startswith("sqlite"):
        raise SettingError(
            f"`bakehouse {command}` shares its ledger with other processes: set DATABASE_URL to a "
            "postgresql:// that all of them reach (`bakehouse run` does everything by itself)"
        )


async def lay_foundation(
    stack: AsyncExitStack, config: Config, hands: Hands, *, alone: bool
) -> Foundation:
    """Open ledger, chain and queue; they are closed with `stack`.

    Who is not `alone` finds the ledger's schema as it has to be, and has the secret key of all.
    Raises SettingError or ConflictError for what does not fit.
    """
    tracer = stack.enter_context(tracing(config.otlp_endpoint, __version__))
    instruments = Instruments(__version__, utc_now)
    if config.ledger_url.startswith("sqlite") or config.redis_address is None:
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    payer = await open_payer(
        stack,
        config,
        hands.signers,
        hands.limits,
        with_keys=hands.with_keys,
        passphrase=hands.passphrase,
        migrate=alone,
        node_observer=instruments.sources.of(SourceKind.NODE),
        indexer_observer=instruments.sources.of(SourceKind.INDEXER),
    )
    await require_same_key(payer.ledger, config.secret_key, has_to_be_there=not alone)
    address = await _redis(stack, config)
    cache = await stack.enter_async_context(RedisCache(address))
    engine = JobEngine(address)
    stack.push_async_callback(engine.close)
    await engine.connect()
    if config.redis_address is not None:
        await require_same_ledger(payer.ledger, engine)
    workshop = Workshop(payer, engine, cache, hands.minute_seconds, config.pages_url)
    return Foundation(
        config=config,
        workshop=workshop,
        scheduler=Scheduler(workshop),
        instruments=instruments,
        tracer=tracer,
    )


async def _redis(stack: AsyncExitStack, config: Config) -> RedisAddress:
    shared = config.redis_address
    if shared is not None:
        return shared
    valkey = EmbeddedValkey(config.data_dir / "valkey")
    await valkey.start()
    stack.push_async_callback(valkey.stop)
    return valkey.address
