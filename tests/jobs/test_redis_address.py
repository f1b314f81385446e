"""Where Redis is: read from a URL, given to connections, and never telling the password."""

from pathlib import Path

import pytest

from bakehouse.errors import SettingError
from bakehouse.jobs.redis_address import RedisAddress


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


def test_tls_and_sockets_are_passed_on() -> None:
    assert RedisAddress(tls=True).connection_options()["ssl"] is True
    over_socket = RedisAddress(unix_socket=Path("/run/valkey.sock")).connection_options()
    assert over_socket["unix_socket_path"] == "/run/valkey.sock"
    assert "host" not in over_socket
