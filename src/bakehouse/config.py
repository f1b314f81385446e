"""What the process is told from outside: environment variables, checked once, with clear errors."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from bakehouse.errors import EncodingError, SettingError
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.logs import LogFormat
from bakehouse.secret_box import SecretKeyFile
from bakehouse.tezos.base58check import Prefix, decode
from bakehouse.tezos.passphrase import PassphraseSource

PREFIX = "BAKEHOUSE_"

#: Chain ids of the public networks, by the names people use.
NETWORKS: Mapping[str, str] = {
    "mainnet": "NetXdQprcVkpaWU",
    "shadownet": "NetXsqzbfFenSTS",
    "bakingnet": "NetXvNVUNbWHxGt",
}


#: Fields whose variables have a name that others gave them: the system Bakehouse succeeds, systemd.
_INHERITED: Mapping[str, str] = {
    "credentials_directory": "CREDENTIALS_DIRECTORY",
    "database_url": "DATABASE_URL",
    "redis_host": "REDIS_HOST",
    "redis_port": "REDIS_PORT",
    "redis_url": "REDIS_URL",
}


class Config(BaseModel):
    """Settings of one process; those of each baker live in the ledger.

    URLs may hold passwords, so they are no more shown than the token is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Where the ledger, the queue and keys live.
    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("bakehouse")))
    #: Name of a public network, or a chain id (Net…).
    network: str = "mainnet"
    #: Nodes in order of preference, separated by commas.
    node_urls: tuple[str, ...] = Field(default=(), repr=False)
    #: TzKT-compatible indexers in order of preference, separated by commas.
    indexer_urls: tuple[str, ...] = Field(default=(), repr=False)
    #: What one process asks of one host in a second, at most; 0 sets no limit.
    requests_per_second: int = Field(default=20, ge=0)
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=0, le=65535)
    #: Where a process without pages tells how it stands; nowhere when not set.
    health_port: int | None = Field(default=None, ge=0, le=65535)
    #: Guards the API and the pages; made and kept in the data directory when not set.
    api_token: SecretStr | None = None
    #: Encrypted key files of payout addresses, separated by commas; those in `keys` when not set.
    key_files: tuple[Path, ...] = ()
    #: A file with the passphrase of the key files.
    key_passphrase_file: Path | None = None
    #: An open file descriptor to read the passphrase from, once.
    key_passphrase_fd: int | None = Field(default=None, ge=0)
    #: Where systemd hands over a passphrase, as bakehouse-passphrase.
    credentials_directory: Path | None = None
    #: A file with the key that seals URLs of channels; made in the data directory when not set.
    secret_key_file: Path | None = None
    #: An octez-signer (or Signatory) for payout addresses without a key file.
    remote_signer_url: str | None = Field(default=None, repr=False)
    #: The key file of the key that requests to the remote signer are signed with.
    remote_signer_auth_key_file: Path | None = None
    #: Where people reach the pages: alerts lead there.
    pages_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    #: Where operations can be looked up: the hash is put after it.
    explorer_url: str = "https://tzkt.io/"
    #: A head older than this is not trusted, in seconds.
    head_age_seconds_max: int = Field(default=120, ge=1)
    #: Whether anybody who can reach the port may read `/metrics`; else it takes a token.
    metrics_open: bool = False
    #: Where OpenTelemetry's spans are sent, by OTLP over HTTP.
    otlp_endpoint: str | None = Field(default=None, repr=False)
    log_format: LogFormat = LogFormat.CONSOLE
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    #: SQLite in the data directory by default.
    database_url: str | None = Field(default=None, repr=False)
    #: Without it, and without `redis_url`, Bakehouse runs a private Valkey of its own.
    redis_host: str | None = None
    redis_port: int = Field(default=6379, ge=1, le=65535)
    #: The same with user, password, number, TLS or Sentinels.
    redis_url: str | None = Field(default=None, repr=False)
    #: Certificates that a `redis_url` with TLS is held to, instead of the system's.
    redis_ca_file: Path | None = None

    @field_validator("network")
    @classmethod
    def _is_a_network(cls, network: str) -> str:
        # Bakers are registered for good with the chain that is configured then.
        if network not in NETWORKS:
            try:
                decode(network, Prefix.CHAIN_ID)
            except EncodingError as error:
                raise ValueError(
                    f"neither a public network ({', '.join(NETWORKS)}) nor a chain id (Net…)"
                ) from error
        return network

    @property
    def chain_id(self) -> str:
        """The chain that every source is held to."""
        return NETWORKS.get(self.network, self.network)

    @property
    def network_name(self) -> str:
        """The public name of that chain, or its id when it has none."""
        names = {chain_id: name for name, chain_id in NETWORKS.items()}
        return names.get(self.network, self.network)

    @property
    def secret_key(self) -> SecretKeyFile:
        """The key that seals what the ledger keeps secret."""
        if self.secret_key_file is not None:
            return SecretKeyFile(self.secret_key_file)
        return SecretKeyFile(self.data_dir / "secret.key", made_when_missing=True)

    @property
    def ledger_url(self) -> str:
        """The database of the ledger."""
        return self.database_url or f"sqlite:///{self.data_dir / 'ledger.db'}"

    @property
    def redis_address(self) -> RedisAddress | None:
        """The Redis to share, None for a private one; raises SettingError for what cannot be."""
        if self.redis_url is not None and self.redis_host is not None:
            raise SettingError("set REDIS_URL or REDIS_HOST, not both: they may disagree")
        if self.redis_url is None and self.redis_ca_file is not None:
            raise SettingError("BAKEHOUSE_REDIS_CA_FILE is for a REDIS_URL of rediss://")
        if self.redis_url is not None:
            return RedisAddress.from_url(self.redis_url, self.redis_ca_file)
        if self.redis_host is not None:
            return RedisAddress(self.redis_host, self.redis_port)
        return None

    @property
    def keys_dir(self) -> Path:
        """Where wallets are kept unless somebody names another place."""
        return self.data_dir / "keys"

    @property
    def wallet_files(self) -> tuple[Path, ...]:
        """The key files that are named, or else every one in `keys_dir`."""
        return self.key_files or tuple(sorted(self.keys_dir.glob("*.key")))

    @property
    def passphrase_source(self) -> PassphraseSource:
        """Where the passphrase comes from; SettingError when two places are named."""
        return PassphraseSource(
            self.key_passphrase_file, self.key_passphrase_fd, self.credentials_directory
        )


def load_config(environment: Mapping[str, str] = os.environ, **overrides: Any) -> Config:
    """Read the settings from the environment.

    Raises SettingError naming the variable that is unknown or wrong, never its value: it may be a
    secret.
    """
    fields = {variable_of(field): field for field in Config.model_fields}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in fields:
            raise SettingError(
                f"unknown setting {name}: the settings are {', '.join(sorted(fields))}"
            )
    # A variable that is set to nothing is not set: so people switch one off.
    given = {
        field: _split(field, environment[name])
        for name, field in fields.items()
        if environment.get(name)
    }
    try:
        return Config.model_validate({**given, **overrides})
    except ValidationError as error:
        raise SettingError(_describe(error)) from None


def require_sources(config: Config) -> None:
    """Refuse to run without a node and an indexer; raises SettingError."""
    for name, urls in (("NODE_URLS", config.node_urls), ("INDEXER_URLS", config.indexer_urls)):
        if not urls:
            raise SettingError(
                f"set {PREFIX}{name} to one or more URLs, separated by commas "
                "(`bakehouse demo` needs none)"
            )


def variable_of(field: str) -> str:
    """Name the environment variable of a field of Config."""
    return _INHERITED.get(field, f"{PREFIX}{field.upper()}")


def _split(field: str, value: str) -> Any:
    if field.endswith(("_urls", "_files")):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _describe(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else "a setting"
    return f"{variable_of(field)}: {first['msg'].removeprefix('Value error, ')}"
