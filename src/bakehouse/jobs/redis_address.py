"""Where a Redis or Valkey is and how to log in to it. No connection is made here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, unquote, urlsplit

from bakehouse.errors import SettingError

DEFAULT_PORT = 6379

#: An idle worker waits in one command for up to 10 s. A shorter timeout would cut that wait off
#: each time, the client would repeat it unseen, and delayed jobs would start minutes late.
#: No timeout at all would never notice a peer that is gone.
SOCKET_TIMEOUT_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 5
HEALTH_CHECK_SECONDS = 15


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """One server, over TCP or a Unix socket; the password never shows in `repr` or `str`."""

    host: str = "localhost"
    port: int = DEFAULT_PORT
    unix_socket: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    db: int = 0
    tls: bool = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read `redis://`, `rediss://` (TLS) or `unix://` with optional user, password and number.

        Raises SettingError, whose message never repeats the URL: it may hold a password.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            raise SettingError("The host of a Redis URL is not valid.") from None
        if parts.scheme not in {"redis", "rediss", "unix"}:
            raise SettingError("A Redis URL begins with redis://, rediss:// or unix://.")
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        if parts.scheme == "unix":
            if not parts.path.startswith("/"):
                raise SettingError("A unix:// URL names the full path of the Redis socket.")
            return cls(unix_socket=Path(unquote(parts.path)), username=username, password=password)
        return cls(
            host=parts.hostname or "localhost",
            port=_port(parts),
            username=username,
            password=password,
            db=_database_number(parts),
            tls=parts.scheme == "rediss",
        )

    def connection_options(self) -> dict[str, Any]:
        """Keyword arguments for `redis.asyncio.Redis`; every connection must be made with these."""
        options: dict[str, Any] = {
            "db": self.db,
            "username": self.username,
            "password": self.password,
            "socket_timeout": SOCKET_TIMEOUT_SECONDS,
            "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "health_check_interval": HEALTH_CHECK_SECONDS,
        }
        if self.unix_socket is not None:
            return options | {"unix_socket_path": str(self.unix_socket)}
        return options | {
            "host": self.host,
            "port": self.port,
            "ssl": self.tls,
            "socket_keepalive": True,
        }

    def __str__(self) -> str:
        """Name the server for a person, without user or password."""
        if self.unix_socket is not None:
            return f"unix://{self.unix_socket}"
        scheme = "rediss" if self.tls else "redis"
        return f"{scheme}://{self.host}:{self.port}/{self.db}"


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or DEFAULT_PORT
    except ValueError:
        raise SettingError("The port of a Redis URL is a number up to 65535.") from None


def _database_number(parts: SplitResult) -> int:
    number = parts.path.strip("/")
    if not number:
        return 0
    if not (number.isascii() and number.isdigit()):
        raise SettingError("The path of a Redis URL is a database number, such as /0.")
    return int(number)
