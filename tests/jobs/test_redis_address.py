"""Where Redis is: read from a URL, given to connections, and never telling the password."""

from pathlib import Path

import pytest

from bakehouse.errors import SettingError
from bakehouse.jobs.redis_address import RedisAddress, SentinelGroup


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", RedisAddress()),
        ("redis://queue.example:6380/3", RedisAddress("queue.example", 6380, db=3)),
        (
            "rediss://baker:p%40ss@[::1]:6379",
            RedisAddress("::1", username="baker", password="p@ss", tls=True),
        ),
        ("redis://:secret@localhost", RedisAddress(password="secret")),
        ("unix:///run/my%20valkey.sock", RedisAddress(unix_socket=Path("/run/my valkey.sock"))),
        (
            "redis+sentinel://baker:p%40ss@s1:26380,s2/queues/3?sentinel_password=s%2Cc",
            RedisAddress(
                username="baker",
                password="p@ss",
                db=3,
                sentinel=SentinelGroup((("s1", 26380), ("s2", 26379)), "queues", None, "s,c"),
            ),
        ),
    ],
)
def test_a_url_is_read(url: str, address: RedisAddress) -> None:
    assert RedisAddress.from_url(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "http://user:sesame@host",
        "redis://user:sesame@host:70000",
        "redis://user:sesame@host:port",
        "redis://user:sesame@host/first",
        "unix://sesame.sock",
        "redis://user:sesame@[::1",
        "redis+sentinel://user:sesame@host:26379",
        "redis+sentinel://user:sesame@host:1,:,/queues",
        "redis+sentinel://user:sesame@host:port/queues",
        "redis+sentinel://user:sesame@host/queues/first",
        "redis+sentinel://host/queues?password=sesame",
        "redis+cluster://user:sesame@host",
    ],
)
def test_a_bad_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(SettingError) as caught:
        RedisAddress.from_url(url)
    assert "sesame" not in str(caught.value)


def test_the_password_shows_nowhere() -> None:
    address = RedisAddress.from_url("rediss://baker:sesame@queue.example/2")
    assert "sesame" not in f"{address} {address!r}"
    assert str(address) == "rediss://queue.example:6379/2"
    assert address.connection_options()["password"] == "sesame"


def test_the_passwords_of_sentinels_show_nowhere() -> None:
    url = "rediss+sentinel://baker:sesame@s1,s2:1/queues/2?sentinel_password=sesame"
    address = RedisAddress.from_url(url)
    assert "sesame" not in f"{address} {address!r}"
    assert str(address) == "rediss+sentinel://s1:26379,s2:1/queues/2"


def test_certificates_are_for_tls_and_have_to_be_there(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    with pytest.raises(SettingError, match="is not there"):
        RedisAddress.from_url("rediss://queue.example", file)
    file.touch()
    with pytest.raises(SettingError, match="rediss://"):
        RedisAddress.from_url("redis://queue.example", file)
    options = RedisAddress.from_url("rediss://queue.example", file).connection_options()
    assert options["ssl_ca_certs"] == str(file)


def test_tls_and_sockets_are_passed_on() -> None:
    assert RedisAddress(tls=True).connection_options()["ssl"] is True
    over_socket = RedisAddress(unix_socket=Path("/run/valkey.sock")).connection_options()
    assert over_socket["unix_socket_path"] == "/run/valkey.sock"
    assert "host" not in over_socket
