"""The machine: version, data directory, disk, key files and their passphrase."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bakehouse import __version__
from bakehouse.cli.checks.finding import Finding, fail, ok, warn
from bakehouse.config import Config
from bakehouse.errors import BakehouseError
from bakehouse.payments.payer import PaymentLimits
from bakehouse.tezos.key_file import read_key_address
from bakehouse.tezos.private_file import is_private

_MIB: Final = 1024 * 1024
#: A ledger grows by about 1 MiB a thousand payouts.
_DISK_WARN: Final = 1024 * _MIB


def check_machine(config: Config) -> Iterator[Finding]:
    """Look at what payments need of this machine."""
    yield ok("version", f"Bakehouse {__version__}, Python {platform.python_version()}")
    yield _data_directory(config.data_dir)
    yield _disk(config.data_dir)
    yield from _keys(config)


def _data_directory(path: Path) -> Finding:
    name = "data directory"
    if not path.exists():
        return warn(name, f"{path} does not exist yet", "it is made at the first start")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return fail(name, f"{path} cannot be written to", f"run chown on {path} for this user")
    if not is_private(path):
        return warn(name, f"{path} is open to others", f"run chmod 700 {path}")
    return ok(name, f"{path}, for its owner alone")


def _disk(path: Path) -> Finding:
    existing = next(each for each in (path, *path.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    seen = f"{free // _MIB:,} MiB free for {path}"
    least = PaymentLimits().free_bytes_min
    if free < least:
        why = f"free some space: nothing is signed with less than {least // _MIB} MiB"
        return fail("disk", seen, why)
    return warn("disk", seen, "free some space soon") if free < _DISK_WARN else ok("disk", seen)


def _keys(config: Config) -> Iterator[Finding]:
    authentication = config.remote_signer_auth_key_file
    files = [*config.wallet_files, *([authentication] if authentication is not None else [])]
    for file in files:
        try:
            address = read_key_address(file)
        except BakehouseError as error:
            yield fail(f"key file {file.name}", error.message, "see docs/wallets.md")
            continue
        yield ok(f"key file {file.name}", f"{address or 'encrypted by octez'}, private")
    if not files and config.remote_signer_url is None:
        yield warn(
            "wallets",
            f"no key file in {config.keys_dir}, none named, and no remote signer",
            "make one with `bakehouse wallet new`, or set BAKEHOUSE_REMOTE_SIGNER_URL",
        )
    if files:
        yield _passphrase(config)


def _passphrase(config: Config) -> Finding:
    try:
        is_named = config.passphrase_source.is_named
    except BakehouseError as error:
        return fail("passphrase", error.message, "name one place")
    if is_named:
        return ok("passphrase", "the settings say where it is")
    advice = "set BAKEHOUSE_KEY_PASSPHRASE_FILE for starts without a person"
    seen = "it is asked for at every start"
    return (
        warn("passphrase", seen, advice)
        if sys.stdin.isatty()
        else fail("passphrase", "nothing says where it is, and nobody can be asked", advice)
    )
