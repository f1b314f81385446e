"""What the process is told from outside: environment variables, checked once, with clear errors."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bakehouse.errors import SettingError
from bakehouse.logs import LogFormat

PREFIX = "BAKEHOUSE_"

#: Chain ids of the public networks, by the names people use.
NETWORKS: Mapping[str, str] = {
    "mainnet": "NetXdQprcVkpaWU",
    "shadownet": "NetXsqzbfFenSTS",
    "bakingnet": "NetXvNVUNbWHxGt",
}


class Config(BaseSettings):
    """Settings of one process; those of each baker live in the ledger."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    #: Where the ledger, the queue and keys live.
    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("bakehouse")))
    #: Name of a public network, or a chain id (Net…).
    network: str = "mainnet"
    #: Nodes in order of preference, separated by commas.
    node_urls: Annotated[tuple[str, ...], NoDecode] = ()
    #: TzKT-compatible indexers in order of preference, separated by commas.
    indexer_urls: Annotated[tuple[str, ...], NoDecode] = ()
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=0, le=65535)
    #: Guards the API and the pages; made and kept in the data directory when not set.
    api_token: SecretStr | None = None
    #: Encrypted key files of payout addresses, separated by commas.
    key_files: Annotated[tuple[Path, ...], NoDecode] = ()
    #: A file with the passphrase of the key files.
    key_passphrase_file: Path | None = None
    #: An octez-signer (or Signatory) for payout addresses without a key file.
    remote_signer_url: str | None = None
    #: Where operations can be looked up: the hash is put after it.
    explorer_url: str = "https://tzkt.io/"
    #: A head older than this is not trusted, in seconds.
    head_age_seconds_max: int = Field(default=120, ge=1)
    log_format: LogFormat = LogFormat.CONSOLE
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    #: SQLite by default; the names below are those of the system Bakehouse succeeds.
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    #: Without it Bakehouse runs a private Valkey of its own.
    redis_host: str | None = Field(default=None, validation_alias="REDIS_HOST")
    redis_port: int = Field(default=6379, ge=1, le=65535, validation_alias="REDIS_PORT")

    @property
    def chain_id(self) -> str:
        """The chain that every source is held to."""
        return NETWORKS.get(self.network, self.network)

    @property
    def ledger_url(self) -> str:
        """The database of the ledger."""
        return self.database_url or f"sqlite:///{self.data_dir / 'ledger.db'}"


def load_config(environment: Mapping[str, str] = os.environ, **overrides: Any) -> Config:
    """Read the settings from the environment.

    Raises SettingError naming the variable that is unknown or wrong, never its value: it may be a
    secret.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Config.model_fields}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            raise SettingError(
                f"unknown setting {name}: the settings are {', '.join(sorted(known))}"
            )
    given = {
        name.removeprefix(PREFIX).lower(): _split(name, value)
        for name, value in environment.items()
        if name in known and value
    }
    aliases = {"DATABASE_URL", "REDIS_HOST", "REDIS_PORT"}
    given |= {name: value for name, value in environment.items() if name in aliases and value}
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


def _split(name: str, value: str) -> Any:
    if name.endswith(("_URLS", "_FILES")):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _describe(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else "a setting"
    name = field if field.isupper() else f"{PREFIX}{field.upper()}"
    return f"{name}: {first['msg']}"
