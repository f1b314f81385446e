"""Redis as others run it: with a password and TLS, behind a Sentinel, as a Cluster."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.asyncio import Redis

from bakehouse.errors import QueueUnreachableError, SettingError
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JSON, JobState, RunningJob
from bakehouse.jobs.redis_address import RedisAddress
from tests.jobs.engine_probe import QUEUE, Eventually, request
from tests.jobs.redis_server import RedisServer, free_port, redis_server, sentinel

PASSWORD = "open-sesame"


@asynccontextmanager
async def connected(address: RedisAddress) -> AsyncIterator[JobEngine]:
    engine = JobEngine(address)
    try:
        await engine.connect()
        yield engine
    finally:
        await engine.close(grace_seconds=0)


async def process(job: RunningJob) -> JSON:
    return job.data["number"]


async def is_done(engine: JobEngine, job_id: str) -> bool:
    try:
        return (await engine.job(QUEUE, job_id)).state is JobState.COMPLETED
    except QueueUnreachableError:
        return False


async def test_jobs_run_over_tls_with_user_password_and_number(
    tmp_path: Path, eventually: Eventually
) -> None:
    certificate, key = certified(tmp_path)
    async with redis_server(
        tmp_path / "redis",
        **{
            "requirepass": PASSWORD,
            "tls-port": "0",
            "tls-cert-file": str(certificate),
            "tls-key-file": str(key),
            "tls-ca-cert-file": str(certificate),
            "tls-auth-clients": "no",
        },
    ) as server:
        tls_port = await served_with_tls(server)
        url = f"rediss://default:{PASSWORD}@127.0.0.1:{tls_port}/2"
        address = RedisAddress.from_url(url, certificate)
        async with connected(address) as engine, RedisCache(address) as cache:
            engine.run_worker(QUEUE, process)
            added = await engine.add(request({"number": 7}))
            await eventually(lambda: is_done(engine, added.id))
            await cache.set("known", 1, 60)
            assert await cache.get("known") == 1

        with pytest.raises(QueueUnreachableError) as untrusted:
            async with connected(RedisAddress.from_url(url)):
                pass
        wrong = url.replace(PASSWORD, "guessed-it")
        with pytest.raises(QueueUnreachableError) as refused:
            async with connected(RedisAddress.from_url(wrong, certificate)):
                pass

    assert "certificate verify failed" in str(untrusted.value).lower()
    told = "".join(format_exception(refused.value)) + "".join(format_exception(untrusted.value))
    assert PASSWORD not in told
    assert "guessed-it" not in told


async def test_when_sentinel_makes_another_server_the_master_the_jobs_go_on_there(
    tmp_path: Path, eventually: Eventually
) -> None:
    async with (
        redis_server(tmp_path / "first") as first,
        redis_server(tmp_path / "second", replicaof=f"127.0.0.1 {first.port}") as second,
        watched(first, tmp_path / "sentinel", eventually) as port,
    ):
        address = RedisAddress.from_url(f"redis+sentinel://127.0.0.1:{port}/queues/0")
        async with connected(address) as engine, RedisCache(address) as cache:
            engine.run_worker(QUEUE, process)
            before = await engine.add(request({"number": 1}))
            await eventually(lambda: is_done(engine, before.id))
            await first.kill()

            async def goes_on() -> bool:
                try:
                    after = await engine.add(request({"number": 2}))
                    await cache.set("known", 1, 60)
                except QueueUnreachableError:
                    return False
                await eventually(lambda: is_done(engine, after.id))
                return True

            await eventually(goes_on)
            assert str(engine.address) == f"redis+sentinel://127.0.0.1:{port}/queues/0"
        assert second.port != first.port


async def test_a_cluster_is_refused_and_the_reason_told(tmp_path: Path) -> None:
    async with redis_server(tmp_path / "redis", **{"cluster-enabled": "yes"}) as server:
        with pytest.raises(SettingError, match=r"is a Cluster, .*Sentinels"):
            async with connected(server.address):
                pass


@asynccontextmanager
async def watched(master: RedisServer, folder: Path, eventually: Eventually) -> AsyncIterator[int]:
    """Run a Sentinel that knows the master's replica from the first; gives its port."""
    await eventually(lambda: has_replica(master))
    async with sentinel(folder, name="queues", master_port=master.port) as port:
        known = RedisAddress("127.0.0.1", port)

        async def knows_the_replica() -> bool:
            async with connected_to(known) as client:
                told: Any = await client.sentinel_masters()
            return bool(told["queues"]["num-slaves"])

        await eventually(knows_the_replica)
        yield port


@asynccontextmanager
async def connected_to(address: RedisAddress) -> AsyncIterator[Redis]:
    async with Redis(decode_responses=True, **address.connection_options()) as client:
        yield client


async def has_replica(server: RedisServer) -> bool:
    async with connected_to(server.address) as client:
        told = await client.info("replication")
    return bool(told["connected_slaves"])


async def served_with_tls(server: RedisServer) -> int:
    """Have a server listen for TLS as well; gives the port."""
    port = free_port()
    address = RedisAddress("127.0.0.1", server.port, password=PASSWORD)
    async with connected_to(address) as client:
        await client.config_set("tls-port", port)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with asyncio.timeout(10):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.close()
    return port


def certified(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for this machine that nobody else trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a Redis of a test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
