"""Asking a person for the passphrase of key files, where no setting says where it is."""

import sys
from typing import Final

import typer

from bakehouse.config import Config
from bakehouse.errors import SettingError

_PROMPT: Final = "Passphrase of the key files"


def passphrase_for_keys(config: Config) -> str | None:
    """Ask for the passphrase if keys are there, no setting names it, and a person is here.

    None leaves it to the settings. A prompt hides what is typed.
    """
    needs_one = bool(config.wallet_files) or config.remote_signer_auth_key_file is not None
    if not needs_one or config.passphrase_source.is_named or not sys.stdin.isatty():
        return None
    return str(typer.prompt(_PROMPT, hide_input=True, err=True))


def passphrase_for_new_key(config: Config) -> str:
    """Give the passphrase that the settings name, or ask for one twice; raises SettingError."""
    return _named_or_asked(config, "Passphrase", confirm=True)


def passphrase_of_key(config: Config) -> str:
    """Give the passphrase that the settings name, or ask for it; raises SettingError."""
    return _named_or_asked(config, _PROMPT, confirm=False)


def _named_or_asked(config: Config, prompt: str, *, confirm: bool) -> str:
    named = config.passphrase_source.read()
    if named is not None:
        return named
    if not sys.stdin.isatty():
        raise SettingError(
            "a key file needs a passphrase: set BAKEHOUSE_KEY_PASSPHRASE_FILE or "
            "BAKEHOUSE_KEY_PASSPHRASE_FD, or run this at a terminal"
        )
    return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))
