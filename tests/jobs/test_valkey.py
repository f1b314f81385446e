"""The embedded server: one owner, nothing lost, nothing left behind."""

import asyncio
import os
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bakehouse.errors import BakehouseError, ConflictError, SettingError
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.valkey import EmbeddedValkey
from bakehouse.jobs.valkey_directory import LOG_BYTES_MAX, SOCKET_PATH_BYTES_MAX, ValkeyDirectory
from tests.jobs.engine_probe import Eventually, holds

OWNER = """
import asyncio, sys
from pathlib import Path
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.valkey import EmbeddedValkey
from tests.jobs.engine_probe import Eventually, holds

async def main():
    valkey = EmbeddedValkey(Path(sys.argv[1]))
    async with RedisCache(await valkey.start()) as cache:
        await cache.set("kept", "by the first owner", ttl_seconds=600)
    print(valkey.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def start_owner(directory: Path) -> tuple[Process, int]:
    """Run a program that owns an embedded server; also return the server's pid."""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(directory), stdout=PIPE
    )
    assert owner.stdout is not None
    # Its log goes to standard output as well.
    while not (line := await owner.stdout.readline()).strip().isdigit():
        assert line, "the owner ended early"
    return owner, int(line)


def server_of(directory: Path) -> int | None:
    return ValkeyDirectory(directory).server_pid()


async def kill(process: Process) -> None:
    process.kill()
    await process.communicate()


async def test_every_write_is_kept_and_nothing_is_ever_evicted(valkey: EmbeddedValkey) -> None:
    async with Redis(**valkey.address.connection_options(), decode_responses=True) as redis:
        settings = await redis.config_get("append*", "save", "maxmemory-policy", "port")
    assert settings == {
        "appendonly": "yes",
        "appendfsync": "always",
        "appendfilename": "appendonly.aof",
        "appenddirname": "appendonlydir",
        "save": "",
        "maxmemory-policy": "noeviction",
        "port": "0",
    }


async def test_only_our_user_can_reach_it(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    directory = tmp_path / "valkey"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert valkey.address.unix_socket == directory / "valkey.sock"
    for path in directory.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_directory_left_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    directory = ValkeyDirectory(tmp_path)
    directory.claim()
    directory.release()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


async def test_a_clean_stop_leaves_the_data_and_no_process(tmp_path: Path) -> None:
    first = EmbeddedValkey(tmp_path)
    async with RedisCache(await first.start()) as cache:
        await cache.set("kept", 1, ttl_seconds=600)
    assert server_of(tmp_path) == first.pid
    await first.stop()
    await first.stop()
    assert server_of(tmp_path) is None
    with pytest.raises(ConflictError):
        _ = first.address

    second = EmbeddedValkey(tmp_path)
    async with RedisCache(await second.start()) as cache:
        assert await cache.get("kept") == 1
    await second.stop()


async def test_a_second_owner_is_refused_and_told_who_the_first_is(
    valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    second = EmbeddedValkey(tmp_path / "valkey")
    with pytest.raises(ConflictError) as caught:
        await second.start()
    assert f"Process {os.getpid()} already uses {tmp_path / 'valkey'}" in str(caught.value)
    await second.stop()
    async with RedisCache(valkey.address) as cache:
        assert await cache.get("anything") is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems stop the orphan at next start")
async def test_the_server_ends_with_an_owner_that_is_killed(
    tmp_path: Path, eventually: Eventually
) -> None:
    owner, server_pid = await start_owner(tmp_path)
    assert server_of(tmp_path) == server_pid
    await kill(owner)
    async with asyncio.timeout(1):
        await eventually(lambda: holds(server_of(tmp_path) is None))
    heir = EmbeddedValkey(tmp_path)
    async with RedisCache(await heir.start()) as cache:
        assert await cache.get("kept") == "by the first owner"
    await heir.stop()


async def test_an_orphan_is_stopped_before_a_second_server_starts(tmp_path: Path) -> None:
    owner, server_pid = await start_owner(tmp_path)
    # A stopped server cannot notice that its owner ends: the orphan of systems that do not tell.
    os.kill(server_pid, signal.SIGSTOP)
    await kill(owner)
    assert server_of(tmp_path) == server_pid
    heir = EmbeddedValkey(tmp_path)
    starting = asyncio.create_task(heir.start())
    asyncio.get_running_loop().call_later(0.1, os.kill, server_pid, signal.SIGCONT)
    async with RedisCache(await starting) as cache:
        assert server_of(tmp_path) == heir.pid != server_pid
        assert await cache.get("kept") == "by the first owner"
    await heir.stop()


async def test_a_server_that_dies_is_started_again_with_its_data(
    valkey: EmbeddedValkey, eventually: Eventually
) -> None:
    async with RedisCache(valkey.address) as cache:
        await cache.set("kept", "through death", ttl_seconds=600)
    address = valkey.address
    for _ in range(2):
        killed = valkey.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)

        async def another_answers(before: int = killed) -> bool:
            return valkey.pid not in {None, before} and await valkey._answers()

        await eventually(another_answers)
    assert valkey.address == address
    async with RedisCache(valkey.address) as cache:
        assert await cache.get("kept") == "through death"


async def test_a_server_that_cannot_start_names_its_log(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("not a manifest\n", encoding="ascii")
    valkey = EmbeddedValkey(tmp_path)
    with pytest.raises(BakehouseError, match=r"did not come up: .*valkey\.log says why"):
        await valkey.start()
    assert "manifest" in (tmp_path / "valkey.log").read_text(encoding="utf-8")
    # It gave the directory back.
    manifest.unlink()
    await valkey.start()
    await valkey.stop()


async def test_a_path_too_long_for_a_socket_gets_a_short_private_one(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * SOCKET_PATH_BYTES_MAX)
    valkey = EmbeddedValkey(deep)
    address = await valkey.start()
    socket = address.unix_socket
    assert socket is not None
    assert len(str(socket)) <= SOCKET_PATH_BYTES_MAX
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    async with RedisCache(address) as cache:
        await cache.set("key", 1, ttl_seconds=60)
    await valkey.stop()
    assert not socket.parent.exists()
    assert (deep / "appendonlydir").is_dir()


async def test_a_directory_that_cannot_be_made_is_a_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="cannot hold our data"):
        await EmbeddedValkey(tmp_path / "file" / "valkey").start()


def test_a_large_log_is_set_aside(tmp_path: Path) -> None:
    directory = ValkeyDirectory(tmp_path)
    directory.log_file.write_bytes(b"x" * (LOG_BYTES_MAX + 1))
    directory.prepare_log()
    assert directory.log_file.read_bytes() == b""
    assert (tmp_path / "valkey.log.1").stat().st_size == LOG_BYTES_MAX + 1
