"""The whole house wired together in one process, against a simulated chain."""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import alert
from bakehouse.app import Bakehouse, running
from bakehouse.config import Config, load_config
from bakehouse.errors import SettingError, SignerError
from bakehouse.jobs.processors.poll_balance import known_balance
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.alert_channels import ChannelSettings
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.opening import open_payer
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.key_file import encrypt_secret_key
from bakehouse.tezos.keys import Curve, SecretKey
from bakehouse.tezos.sealed_key import COST_MIN, SealedKey
from tests.alerts.webhook import Webhook, free_port
from tests.jobs.workplace import BLOCKS_PER_CYCLE, eventually

KEY = SecretKey.from_seed(Curve.ED25519, bytes(range(32)))
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
async def chain() -> AsyncIterator[SandboxServer]:
    settings = SandboxSettings(
        delegator_count=8, blocks_per_cycle=BLOCKS_PER_CYCLE, block_seconds=None
    )
    async with await SandboxServer.start(settings) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, chain: SandboxServer) -> Config:
    return load_config(
        {
            "BAKEHOUSE_DATA_DIR": str(tmp_path / "data"),
            "BAKEHOUSE_NETWORK": chain.chain_id,
            "BAKEHOUSE_NODE_URLS": chain.node_url,
            "BAKEHOUSE_INDEXER_URLS": chain.indexer_url,
            "BAKEHOUSE_PORT": "0",
        }
    )


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx2.AsyncClient(trust_env=False, verify=no_certificates) as opened:
        yield opened


def with_settings(config: Config, **settings: Any) -> Config:
    return config.model_copy(update=settings)


def write_private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


@asynccontextmanager
async def open_house(config: Config) -> AsyncIterator[Bakehouse]:
    """Open one, with every worker at its place before anything else happens."""
    async with running(config, minute_seconds=1) as house:

        async def works() -> bool:
            return house.workshop.engine.is_healthy

        await eventually(works)
        yield house


# Jobs


async def test_each_queue_has_the_worker_that_its_jobs_need(
    config: Config, chain: SandboxServer
) -> None:
    while chain.chain.cycle_length.cycle_of(chain.chain.head.level - 2) == 1_400:
        chain.bake()
    async with open_house(config) as house:
        payer = house.workshop.payer
        baker = Baker(
            baker_id=chain.baker_address,
            network=chain.chain_id,
            payout_address=chain.payout_address,
            first_cycle=1_400,
            payout_delay_cycles=0,
            confirm_first_cycle=False,
            bond_pool_enabled=True,
        )
        member = BondPoolMember(KEY.public_key.address, Mutez(1), BasisPoints(0), is_manager=True)
        async with payer.ledger.write() as tx:
            await bakers.add(tx, baker, actor="test", at=payer.clock())
            await bakers.replace_bond_pool(
                tx, baker.baker_id, [member], actor="test", at=payer.clock()
            )
        await house.scheduler.initialize_schedules(baker.baker_id)
        bond_pool = DistributionKey(
            chain.chain_id,
            baker.baker_id,
            1_400,
            DistributionKind.BOND_POOL,
            Mode.SIMULATION,
        )

        async def is_settled() -> bool:
            async with payer.ledger.read() as tx:
                found = await distributions.find(tx, bond_pool)
            return found is not None and found.state is DistributionState.SIMULATED

        async def has_been_polled() -> bool:
            return await known_balance(house.workshop, baker.baker_id) is not None

        await eventually(is_settled)
        await eventually(has_been_polled)


async def test_an_alert_reaches_the_channel_of_whoever_wants_it(config: Config) -> None:
    webhook = Webhook(free_port())
    async with webhook.up(), open_house(config) as house:
        payer = house.workshop.payer
        desk = ChannelDesk(payer.ledger, config.secret_key, payer.clock)
        settings = ChannelSettings(name="hook", severity_min="critical")
        await desk.add(settings, webhook.url, actor="test")
        await alert(payer, AlertCode.WALLET_LOW, "wallet", "5 tez are missing", baker_id="tz1-x")

        async def is_told() -> bool:
            return bool(webhook.received)

        await eventually(is_told)

    assert webhook.titles == ["[critical] The wallet will not cover the next cycle (tz1-x)"]


async def test_what_was_started_is_stopped_when_the_port_is_taken(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = with_settings(config, port=other.getsockname()[1])
        with pytest.raises(SettingError, match=r"^cannot listen on 127\.0\.0\.1 port "):
            async with running(taken):
                pass

    # The queue's server let go of its folder: it can be had again.
    async with open_house(config) as house:
        await house.workshop.engine.ping()


# The API's token


async def test_a_configured_token_opens_the_api_and_without_one_none_does(
    config: Config, client: httpx2.AsyncClient
) -> None:
    shown = {"Authorization": "Bearer of-my-own"}
    configured = load_config({"BAKEHOUSE_API_TOKEN": "of-my-own"}).api_token

    async with open_house(with_settings(config, api_token=configured)) as house:
        opened = await client.get(f"{house.url}/api/bakers", headers=shown)
    async with open_house(config) as house:
        closed = await client.get(f"{house.url}/api/bakers", headers=shown)

    assert opened.status_code == httpx2.codes.OK
    assert closed.status_code == httpx2.codes.UNAUTHORIZED
    assert config.data_dir.stat().st_mode & 0o777 == 0o700


# Keys


async def test_an_encrypted_key_signs_for_its_address(config: Config, tmp_path: Path) -> None:
    keys = with_settings(
        config,
        key_files=(write_private(tmp_path / "key", encrypt_secret_key(KEY, PASSPHRASE)),),
        key_passphrase_file=write_private(tmp_path / "passphrase", PASSPHRASE),
    )

    async with AsyncExitStack() as stack:
        payer = await open_payer(stack, keys)
        signer = await payer.signers.of(KEY.public_key.address)
        assert signer.public_key == KEY.public_key


async def test_keys_in_the_data_directory_need_not_be_named(config: Config, tmp_path: Path) -> None:
    config.keys_dir.mkdir(parents=True)
    write_private(config.keys_dir / "payout.key", SealedKey.seal(KEY, PASSPHRASE, COST_MIN).text())
    passphrase = write_private(tmp_path / "passphrase", PASSPHRASE)

    async with AsyncExitStack() as stack:
        payer = await open_payer(stack, with_settings(config, key_passphrase_file=passphrase))
        assert (await payer.signers.of(KEY.public_key.address)).public_key == KEY.public_key


async def test_a_passphrase_that_a_person_typed_opens_the_keys(
    config: Config, tmp_path: Path
) -> None:
    file = write_private(tmp_path / "key", SealedKey.seal(KEY, PASSPHRASE, COST_MIN).text())

    async with AsyncExitStack() as stack:
        payer = await open_payer(
            stack, with_settings(config, key_files=(file,)), passphrase=PASSPHRASE
        )
        assert (await payer.signers.of(KEY.public_key.address)).public_key == KEY.public_key


async def test_a_key_file_needs_a_passphrase(config: Config, tmp_path: Path) -> None:
    file = write_private(tmp_path / "key", encrypt_secret_key(KEY, PASSPHRASE))

    async with AsyncExitStack() as stack:
        with pytest.raises(SettingError, match="the key files need a passphrase"):
            await open_payer(stack, with_settings(config, key_files=(file,)))


@pytest.mark.parametrize("prefix", ["", "unencrypted:"])
async def test_a_key_that_is_not_encrypted_is_refused_and_not_repeated(
    config: Config, tmp_path: Path, prefix: str
) -> None:
    secret = encode(Prefix.EDSK_SEED, KEY.seed)
    keys = with_settings(
        config,
        key_files=(write_private(tmp_path / "key", prefix + secret),),
        key_passphrase_file=write_private(tmp_path / "passphrase", PASSPHRASE),
    )

    async with AsyncExitStack() as stack:
        with pytest.raises(SignerError, match="this secret key is not encrypted") as refused:
            await open_payer(stack, keys)
    assert secret not in refused.value.message


@pytest.mark.parametrize("opened", ["key", "passphrase"])
async def test_a_secret_that_others_can_read_is_refused(
    config: Config, tmp_path: Path, opened: str
) -> None:
    keys = with_settings(
        config,
        key_files=(write_private(tmp_path / "key", encrypt_secret_key(KEY, PASSPHRASE)),),
        key_passphrase_file=write_private(tmp_path / "passphrase", PASSPHRASE),
    )
    (tmp_path / opened).chmod(0o644)

    async with AsyncExitStack() as stack:
        with pytest.raises(SignerError, match="is open to others than its owner"):
            await open_payer(stack, keys)
