"""The file with the key that seals channels' URLs and webhooks' secrets."""

from collections.abc import Iterator

from bakehouse.cli.checks.finding import Finding, fail, ok
from bakehouse.config import Config
from bakehouse.errors import SettingError

_SUBJECT = "secret key"


def check_secret_key(config: Config) -> Iterator[Finding]:
    """Look whether it is there, for its owner alone, and a key; one may be made still."""
    key = config.secret_key
    if not key.path.exists() and key.made_when_missing:
        yield ok(_SUBJECT, f"{key.path} is made with the first secret")
        return
    try:
        key.seal("")
    except SettingError as error:
        advice = "put the file back: channels and webhooks cannot be used without it"
        yield fail(_SUBJECT, error.message, advice)
        return
    yield ok(_SUBJECT, f"{key.path}, for its owner alone; back it up beside the ledger")
