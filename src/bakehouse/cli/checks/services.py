"""What runs beside the program: the ledger's database, and the queues' Redis or Valkey."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.exc import SQLAlchemyError

from bakehouse.cli.checks.finding import Finding, fail, ok, warn
from bakehouse.config import Config
from bakehouse.errors import BakehouseError
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.valkey import EmbeddedValkey
from bakehouse.ledger import audit
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.postgresql_facts import OLDEST_TESTED, ServerFacts, server_facts


async def check_services(config: Config) -> AsyncIterator[Finding]:
    """Look at ledger and queues; the ledger is brought to this version's schema, as at a start."""
    try:
        yield await _ledger(config)
    except (BakehouseError, SQLAlchemyError, OSError) as error:
        yield fail("ledger", str(error), "see DATABASE_URL and the data directory")
    try:
        yield await _queue(config)
    except (BakehouseError, OSError) as error:
        yield fail("queue", str(error), "see REDIS_URL and REDIS_HOST, or leave both unset")


async def _ledger(config: Config) -> Finding:
    ledger = await Ledger.open(config.ledger_url)
    try:
        async with ledger.read() as tx:
            broken = await audit.first_broken_link(tx)
            server = await server_facts(tx)
    finally:
        await ledger.close()
    if broken is not None:
        return fail(
            "ledger",
            f"event {broken} of the audit trail was changed from outside",
            "pause every baker, and compare with a backup",
        )
    if server is None:
        return ok("ledger", "SQLite answers, its audit trail is unbroken")
    return judge_server(server)


def judge_server(server: ServerFacts) -> Finding:
    """Tell whether a server may be trusted with what was signed."""
    kind = f"PostgreSQL {server.version}"
    if not server.survives_power_cut:
        return fail(
            "ledger",
            f"{kind} has fsync or full_page_writes off: a power cut may lose what was signed",
            "switch both on in postgresql.conf, and restart it",
        )
    if server.major < OLDEST_TESTED:
        return warn(
            "ledger",
            f"{kind} is older than {OLDEST_TESTED}, the oldest that is tested",
            "upgrade the server",
        )
    return ok("ledger", f"{kind} answers, its audit trail is unbroken")


async def _queue(config: Config) -> Finding:
    shared = config.redis_address
    if shared is not None:
        await _ping(shared)
        return ok("queue", f"{shared} answers")
    # In a folder of its own: a running Bakehouse has the one in the data directory.
    with TemporaryDirectory(prefix="bakehouse-") as folder:
        valkey = EmbeddedValkey(Path(folder) / "valkey")
        address = await valkey.start()
        try:
            await _ping(address)
        finally:
            await valkey.stop()
    return ok("queue", "the private Valkey starts and answers")


async def _ping(address: RedisAddress) -> None:
    engine = JobEngine(address)
    try:
        await engine.connect()
        await engine.ping()
    finally:
        await engine.close()
