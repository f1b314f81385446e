"""What the process is told from outside, and how it says no."""

from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest

from bakehouse.config import NETWORKS, Config, load_config, require_sources, variable_of
from bakehouse.errors import LedgerUnreachableError, SettingError
from bakehouse.ledger.database import Ledger
from bakehouse.logs import LogFormat
from bakehouse.secret_box import SecretKeyFile

SECRET = "do-not-tell"


def test_without_a_variable_set_the_defaults_are_in_force() -> None:
    config = load_config({})

    assert config.network == "mainnet"
    assert config.chain_id == "NetXdQprcVkpaWU"
    assert (config.node_urls, config.indexer_urls, config.key_files) == ((), (), ())
    assert (config.host, config.port) == ("127.0.0.1", 3000)
    assert (config.redis_host, config.redis_port) == (None, 6379)
    assert config.ledger_url == f"sqlite:///{config.data_dir / 'ledger.db'}"
    assert config.explorer_url == "https://tzkt.io/"
    assert config.head_age_seconds_max == 120
    assert (config.log_format, config.log_level) == (LogFormat.CONSOLE, "info")
    assert config.api_token is None
    assert config.key_passphrase_file is None
    assert config.remote_signer_url is None
    assert config.metrics_open is False
    assert config.otlp_endpoint is None


VALUES: dict[str, tuple[str, str, Any]] = {
    "BAKEHOUSE_DATA_DIR": ("data_dir", "/var/lib/bakehouse", Path("/var/lib/bakehouse")),
    "BAKEHOUSE_NETWORK": ("network", "shadownet", "shadownet"),
    "BAKEHOUSE_NODE_URLS": (
        "node_urls",
        " https://a , ,https://b,",
        ("https://a", "https://b"),
    ),
    "BAKEHOUSE_INDEXER_URLS": ("indexer_urls", "https://i", ("https://i",)),
    "BAKEHOUSE_REQUESTS_PER_SECOND": ("requests_per_second", "100", 100),
    "BAKEHOUSE_HOST": ("host", "::", "::"),
    "BAKEHOUSE_PORT": ("port", "0", 0),
    "BAKEHOUSE_KEY_FILES": ("key_files", "a.key, b.key", (Path("a.key"), Path("b.key"))),
    "BAKEHOUSE_KEY_PASSPHRASE_FILE": ("key_passphrase_file", "p", Path("p")),
    "BAKEHOUSE_KEY_PASSPHRASE_FD": ("key_passphrase_fd", "0", 0),
    "CREDENTIALS_DIRECTORY": ("credentials_directory", "/run/c", Path("/run/c")),
    "BAKEHOUSE_REMOTE_SIGNER_AUTH_KEY_FILE": ("remote_signer_auth_key_file", "a", Path("a")),
    "BAKEHOUSE_SECRET_KEY_FILE": ("secret_key_file", "s", Path("s")),
    "BAKEHOUSE_REMOTE_SIGNER_URL": ("remote_signer_url", "http://signer", "http://signer"),
    "BAKEHOUSE_PAGES_URL": ("pages_url", "https://p", "https://p"),
    "BAKEHOUSE_EXPLORER_URL": ("explorer_url", "https://x/", "https://x/"),
    "BAKEHOUSE_HEAD_AGE_SECONDS_MAX": ("head_age_seconds_max", "90", 90),
    "BAKEHOUSE_METRICS_OPEN": ("metrics_open", "yes", True),
    "BAKEHOUSE_OTLP_ENDPOINT": ("otlp_endpoint", "http://otel:4318", "http://otel:4318"),
    "BAKEHOUSE_LOG_FORMAT": ("log_format", "json", LogFormat.JSON),
    "BAKEHOUSE_LOG_LEVEL": ("log_level", "debug", "debug"),
    "DATABASE_URL": ("database_url", "sqlite:///x.db", "sqlite:///x.db"),
    "REDIS_HOST": ("redis_host", "redis.example", "redis.example"),
    "REDIS_PORT": ("redis_port", "7000", 7000),
    "REDIS_URL": ("redis_url", "redis://r", "redis://r"),
    "BAKEHOUSE_REDIS_CA_FILE": ("redis_ca_file", "ca.pem", Path("ca.pem")),
    "BAKEHOUSE_HEALTH_PORT": ("health_port", "9000", 9000),
}


@pytest.mark.parametrize(("variable", "expected"), VALUES.items(), ids=VALUES.keys())
def test_a_variable_sets_its_field_and_no_other(
    variable: str, expected: tuple[str, str, Any]
) -> None:
    field, text, value = expected

    config = load_config({variable: text})

    assert config == load_config({}).model_copy(update={field: value})
    assert variable_of(field) == variable


def test_the_token_is_a_variable_too_and_can_be_read_on_purpose_only() -> None:
    config = load_config({"BAKEHOUSE_API_TOKEN": SECRET})

    assert config.api_token is not None
    assert config.api_token.get_secret_value() == SECRET


def test_every_field_has_a_variable_that_these_tests_set() -> None:
    assert {variable_of(field) for field in Config.model_fields} == {*VALUES, "BAKEHOUSE_API_TOKEN"}


def test_the_key_that_seals_is_made_in_the_data_directory_unless_one_is_named() -> None:
    own = load_config({"BAKEHOUSE_DATA_DIR": "d"}).secret_key
    named = load_config({"BAKEHOUSE_SECRET_KEY_FILE": "s"}).secret_key

    assert own == SecretKeyFile(Path("d/secret.key"), made_when_missing=True)
    assert named == SecretKeyFile(Path("s"), made_when_missing=False)


def test_a_variable_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of the tests, not of Bakehouse.
    monkeypatch.delenv("BAKEHOUSE_FIXTURES", raising=False)
    for variable in VALUES:
        monkeypatch.setenv(variable, "")

    assert load_config() == load_config({})


def test_only_the_environment_that_is_handed_in_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEHOUSE_PORT", "4000")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///other.db")

    assert load_config({"BAKEHOUSE_HOST": "::1"}) == load_config({}).model_copy(
        update={"host": "::1"}
    )


def test_what_the_program_sets_itself_goes_before_the_environment() -> None:
    assert load_config({"BAKEHOUSE_PORT": "4000"}, port=0).port == 0


def test_variables_of_other_programs_are_none_of_our_business() -> None:
    assert load_config({"PORT": "x", "REDIS_DB": "x", "MY_BAKEHOUSE_PORT": "x"}) == load_config({})


@pytest.mark.parametrize(
    "variable",
    ["BAKEHOUSE_PROT", "BAKEHOUSE_", "BAKEHOUSE_DATABASE_URL", "BAKEHOUSE_REDIS_HOST"],
)
def test_an_unknown_variable_is_refused_with_the_list_of_those_there_are(variable: str) -> None:
    with pytest.raises(SettingError) as refused:
        load_config({variable: SECRET})

    message = refused.value.message
    assert message.startswith(f"unknown setting {variable}: the settings are ")
    listed = message.partition("the settings are ")[2].split(", ")
    assert listed == sorted(variable_of(field) for field in Config.model_fields)
    assert SECRET not in message


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("BAKEHOUSE_PORT", "http"),
        ("BAKEHOUSE_PORT", "-1"),
        ("BAKEHOUSE_PORT", "65536"),
        ("BAKEHOUSE_PORT", "3000.5"),
        ("REDIS_PORT", "0"),
        ("REDIS_PORT", "six"),
        ("BAKEHOUSE_HEAD_AGE_SECONDS_MAX", "0"),
        ("BAKEHOUSE_LOG_FORMAT", "xml"),
        ("BAKEHOUSE_LOG_LEVEL", "loud"),
        ("BAKEHOUSE_LOG_LEVEL", "INFO"),
        ("BAKEHOUSE_NETWORK", "mainet"),
        ("BAKEHOUSE_NETWORK", "NetXdQprcVkpaWV"),
        ("BAKEHOUSE_NETWORK", "tz1RCFbB9GpALpsZtu6J58sb74dm8qe6XBzv"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_variable(
    variable: str, text: str
) -> None:
    with pytest.raises(SettingError) as refused:
        load_config({variable: text, "BAKEHOUSE_API_TOKEN": SECRET})

    message = refused.value.message
    assert message.startswith(f"{variable}: ")
    assert "\n" not in message
    assert SECRET not in message
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(("name", "chain_id"), NETWORKS.items())
def test_a_network_goes_by_its_name_or_by_its_chain_id(name: str, chain_id: str) -> None:
    assert load_config({"BAKEHOUSE_NETWORK": name}).chain_id == chain_id
    assert load_config({"BAKEHOUSE_NETWORK": chain_id}).chain_id == chain_id


def test_no_secret_shows_in_the_config_itself() -> None:
    config = load_config(
        {
            "BAKEHOUSE_API_TOKEN": SECRET,
            "BAKEHOUSE_NODE_URLS": f"https://user:{SECRET}@node",
            "BAKEHOUSE_INDEXER_URLS": f"https://api.example/{SECRET}",
            "BAKEHOUSE_REMOTE_SIGNER_URL": f"https://user:{SECRET}@signer",
            "DATABASE_URL": f"postgresql://user:{SECRET}@host/db",
        }
    )

    assert SECRET not in repr(config)
    assert SECRET not in str(config)


def test_running_needs_a_node_and_an_indexer() -> None:
    node = {"BAKEHOUSE_NODE_URLS": "https://n"}
    indexer = {"BAKEHOUSE_INDEXER_URLS": "https://i"}

    with pytest.raises(SettingError, match=r"^set BAKEHOUSE_NODE_URLS to one or more URLs"):
        require_sources(load_config(indexer))
    with pytest.raises(SettingError, match=r"^set BAKEHOUSE_INDEXER_URLS to one or more URLs"):
        require_sources(load_config({**node, "BAKEHOUSE_INDEXER_URLS": " , "}))
    require_sources(load_config({**node, **indexer}))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"mysql+pymysql://user:{SECRET}@host/db", "a database of kind 'mysql' is not supported:"),
        (f"postgresql+asyncpg://user:{SECRET}@host/db", "PostgreSQL is reached by postgresql://"),
        (f"postgresql://user:a@{SECRET}@host/db", "write an @ in the password of DATABASE_URL as"),
        (f"postgresql://user:{SECRET}@host", "DATABASE_URL names no database: postgresql://"),
        (f"postgresql://user@host:{SECRET}/db", "the database is not a URL: use sqlite:///PATH"),
        ("sqlite://", "the database has no file, and would forget: use sqlite:///PATH"),
        (SECRET, "the database is not a URL: use sqlite:///PATH or postgresql://"),
    ],
)
async def test_a_database_that_cannot_be_the_ledger_is_refused_with_a_sentence(
    url: str, said: str
) -> None:
    config = load_config({"DATABASE_URL": url})

    with pytest.raises(SettingError) as refused:
        await Ledger.open(config.ledger_url)

    assert refused.value.message.startswith(said)
    assert SECRET not in "".join(format_exception(refused.value))


async def test_a_database_that_does_not_answer_is_told_without_its_password(
    tmp_path: Path,
) -> None:
    url = f"postgresql://user:{SECRET}@/ledger?host={tmp_path}"
    config = load_config({"DATABASE_URL": url})

    with pytest.raises(LedgerUnreachableError) as refused:
        await Ledger.open(config.ledger_url)

    assert refused.value.message.startswith(
        "the database 'ledger' of DATABASE_URL cannot be opened: "
    )
    assert SECRET not in "".join(format_exception(refused.value))
