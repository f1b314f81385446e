"""Processes that share a house: what does not fit the others is refused at the start, in words."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.config import Config, load_config
from bakehouse.errors import ConflictError, SettingError
from bakehouse.jobs.engine import OWNER_KEY, JobEngine
from bakehouse.jobs.valkey import EmbeddedValkey
from bakehouse.ledger.alert_channels import ChannelSettings
from bakehouse.ledger.database import Ledger
from bakehouse.opening import utc_now
from bakehouse.roles.fitting import replace_key, require_same_key, require_same_ledger
from bakehouse.roles.foundation import require_shared
from bakehouse.secret_box import SecretKeyFile


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    await opened.close()


def made_key(path: Path) -> SecretKeyFile:
    key = SecretKeyFile(path, made_when_missing=True)
    key.seal("anything")
    return SecretKeyFile(path)


async def test_the_first_key_is_everybodys_and_another_is_refused(
    ledger: Ledger, tmp_path: Path
) -> None:
    first, other = made_key(tmp_path / "first.key"), made_key(tmp_path / "other.key")
    copied = SecretKeyFile(tmp_path / "copied.key")
    copied.path.write_bytes(first.path.read_bytes())
    copied.path.chmod(0o600)

    await require_same_key(ledger, first, has_to_be_there=True)
    await require_same_key(ledger, copied, has_to_be_there=True)
    for has_to_be_there in (True, False):
        with pytest.raises(SettingError, match=r"other\.key does not fit this ledger"):
            await require_same_key(ledger, other, has_to_be_there=has_to_be_there)
        missing = SecretKeyFile(tmp_path / "missing.key", made_when_missing=True)
        with pytest.raises(SettingError, match=r"missing\.key is not here"):
            await require_same_key(ledger, missing, has_to_be_there=has_to_be_there)

    await replace_key(ledger, other)
    await require_same_key(ledger, other, has_to_be_there=True)
    with pytest.raises(SettingError, match="does not fit"):
        await require_same_key(ledger, first, has_to_be_there=True)


async def test_one_box_needs_no_key_before_there_is_a_secret(
    ledger: Ledger, tmp_path: Path
) -> None:
    key = SecretKeyFile(tmp_path / "secret.key", made_when_missing=True)

    await require_same_key(ledger, key, has_to_be_there=False)

    assert not key.path.exists()


async def test_a_key_that_does_not_open_what_was_sealed_before_is_never_everybodys(
    ledger: Ledger, tmp_path: Path
) -> None:
    sealing, other = made_key(tmp_path / "sealing.key"), made_key(tmp_path / "other.key")
    desk = ChannelDesk(ledger, sealing, utc_now)
    await desk.add(
        ChannelSettings(name="mail", severity_min="critical"),
        "json://alerts.example/hook",
        actor="test",
    )

    with pytest.raises(SettingError, match="does not fit"):
        await require_same_key(ledger, other, has_to_be_there=True)
    await require_same_key(ledger, sealing, has_to_be_there=True)


async def test_a_queue_of_another_ledger_is_refused_until_it_has_lost_everything(
    ledger: Ledger, tmp_path: Path
) -> None:
    other = await Ledger.open(f"sqlite:///{tmp_path / 'other.db'}")
    valkey = EmbeddedValkey(tmp_path / "valkey")
    engine = JobEngine(await valkey.start())
    try:
        await engine.connect()
        await require_same_ledger(ledger, engine)
        await require_same_ledger(ledger, engine)
        with pytest.raises(ConflictError, match="holds the queues of another ledger"):
            await require_same_ledger(other, engine)

        await engine._redis.delete(OWNER_KEY)
        await require_same_ledger(other, engine)
    finally:
        await engine.close()
        await valkey.stop()
        await other.close()


async def test_who_joins_a_ledger_changes_nothing_of_it_and_wants_the_schema_as_it_knows_it(
    ledger: Ledger, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    joined = await Ledger.join(url)
    assert await joined.is_current()
    with pytest.raises(ConflictError, match=r"is of version none.* `bakehouse migrate`"):
        await Ledger.join(f"sqlite:///{tmp_path / 'new.db'}")

    for version, complaint in (("0001", "`bakehouse migrate`"), ("9999", "newer version")):
        async with ledger.write() as tx:
            await tx.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
        assert not await joined.is_current()
        with pytest.raises(ConflictError, match=complaint):
            await Ledger.join(url)
    await joined.close()


def shared(**environment: str) -> Config:
    return load_config(environment)


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({}, "set REDIS_URL"),
        ({"REDIS_URL": "redis://queues"}, "set DATABASE_URL"),
        ({"REDIS_URL": "redis://queues", "DATABASE_URL": "sqlite:///l.db"}, "set DATABASE_URL"),
        ({"DATABASE_URL": "postgresql:///ledger"}, "set REDIS_URL"),
        ({"REDIS_URL": "redis://a", "REDIS_HOST": "b"}, "not both"),
        ({"BAKEHOUSE_REDIS_CA_FILE": "ca.pem"}, "rediss://"),
    ],
)
def test_a_part_of_the_house_is_not_run_where_other_parts_could_not_be(
    environment: dict[str, str], complaint: str
) -> None:
    with pytest.raises(SettingError, match=complaint):
        require_shared(shared(**environment), "worker")
    require_shared(
        shared(REDIS_HOST="queues", DATABASE_URL="postgresql:///ledger"),
        "worker",
    )


def test_passwords_of_a_shared_house_show_nowhere() -> None:
    config = shared(
        REDIS_URL="rediss://baker:sesame@queues", DATABASE_URL="postgresql://baker:sesame@db/ledger"
    )

    assert "sesame" not in f"{config!r} {config} {config.redis_address!r}"
