"""Where a Redis or Valkey is and how to log in to it. No connection is made here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from bakehouse.errors import SettingError

DEFAULT_PORT = 6379
DEFAULT_SENTINEL_PORT = 26379

#: An idle worker waits in one command for up to 10 s. A shorter timeout would cut that wait off
#: each time, the client would repeat it unseen, and delayed jobs would start minutes late.
#: No timeout at all would never notice a peer that is gone.
SOCKET_TIMEOUT_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 5
HEALTH_CHECK_SECONDS = 15

_SENTINEL_LOGIN = ("sentinel_username", "sentinel_password")


@dataclass(frozen=True, slots=True)
class SentinelGroup:
    """Sentinels that know where the master of a service is, and how to log in to them."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """One server, over TCP or a Unix socket, or whichever one Sentinels call the master.

    The passwords never show in `repr` or `str`.
    """

    host: str = "localhost"
    port: int = DEFAULT_PORT
    unix_socket: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    db: int = 0
    tls: bool = False
    #: Certificates that are trusted instead of the system's.
    ca_file: Path | None = None
    #: Asked where the server is; `host` and `port` mean nothing then.
    sentinel: SentinelGroup | None = None

    @classmethod
    def from_url(cls, url: str, ca_file: Path | None = None) -> Self:
        """Read a URL with optional user, password and database number.

        `redis://`, `rediss://` (TLS), `unix://`, and `redis+sentinel://` or `rediss+sentinel://`:
        several hosts, separated by commas, and the service's name in the path before the number.
        Raises SettingError, whose message never repeats the URL: it may hold a password.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            raise SettingError("The host of a Redis URL is not valid.") from None
        tls = parts.scheme.startswith("rediss")
        _require_usable(ca_file, tls=tls)
        username, password = _login(parts)
        match parts.scheme:
            case "redis" | "rediss":
                return cls(
                    host=parts.hostname or "localhost",
                    port=_port(parts),
                    db=_database_number(parts.path),
                    tls=tls,
                    ca_file=ca_file,
                    username=username,
                    password=password,
                )
            case "unix":
                if not parts.path.startswith("/"):
                    raise SettingError("A unix:// URL names the full path of the Redis socket.")
                return cls(
                    unix_socket=Path(unquote(parts.path)), username=username, password=password
                )
            case "redis+sentinel" | "rediss+sentinel":
                service, _, number = parts.path.strip("/").partition("/")
                return cls(
                    db=_database_number(number),
                    tls=tls,
                    ca_file=ca_file,
                    sentinel=_sentinels(parts, unquote(service)),
                    username=username,
                    password=password,
                )
        raise SettingError(
            "A Redis URL begins with redis://, rediss://, unix://, redis+sentinel:// or "
            "rediss+sentinel://."
        )

    def connection_options(self) -> dict[str, Any]:
        """Keyword arguments for a connection; every one must be made with these.

        For `redis.asyncio.Redis` as well, unless Sentinels are to be asked first.
        """
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
        options |= {"socket_keepalive": True, "ssl": self.tls}
        if self.ca_file is not None:
            options["ssl_ca_certs"] = str(self.ca_file)
        return options if self.sentinel else options | {"host": self.host, "port": self.port}

    def __str__(self) -> str:
        """Name the server for a person, without user or password."""
        if self.unix_socket is not None:
            return f"unix://{self.unix_socket}"
        scheme = "rediss" if self.tls else "redis"
        if self.sentinel is not None:
            hosts = ",".join(f"{host}:{port}" for host, port in self.sentinel.hosts)
            return f"{scheme}+sentinel://{hosts}/{self.sentinel.service}/{self.db}"
        return f"{scheme}://{self.host}:{self.port}/{self.db}"


def _require_usable(ca_file: Path | None, *, tls: bool) -> None:
    if ca_file is None:
        return
    if not tls:
        raise SettingError("A file of certificates for Redis is for a URL of rediss://.")
    if not ca_file.is_file():
        raise SettingError(f"The file of certificates for Redis, {ca_file}, is not there.")


def _login(parts: SplitResult) -> tuple[str | None, str | None]:
    userinfo, _, _ = parts.netloc.rpartition("@")
    username, _, password = userinfo.partition(":")
    return unquote(username) or None, unquote(password) or None


def _sentinels(parts: SplitResult, service: str) -> SentinelGroup:
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if not service or not all(hosts):
        raise SettingError(
            "A URL of Sentinels names them and the service: "
            "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/0."
        )
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if not query.keys() <= set(_SENTINEL_LOGIN):
        raise SettingError(f"A URL of Sentinels takes {' and '.join(_SENTINEL_LOGIN)} after a ?.")
    username, password = (query.get(name) for name in _SENTINEL_LOGIN)
    try:
        each = [urlsplit(f"//{host}") for host in hosts]
    except ValueError:
        raise SettingError("A host of the Redis URL is not valid.") from None
    return SentinelGroup(
        tuple((one.hostname or "localhost", _port(one, DEFAULT_SENTINEL_PORT)) for one in each),
        service,
        username,
        password,
    )


def _port(parts: SplitResult, default: int = DEFAULT_PORT) -> int:
    try:
        return parts.port or default
    except ValueError:
        raise SettingError("The port of a Redis URL is a number up to 65535.") from None


def _database_number(path: str) -> int:
    number = path.strip("/")
    if not number:
        return 0
    if not (number.isascii() and number.isdigit()):
        raise SettingError("The path of a Redis URL is a database number, such as /0.")
    return int(number)
