"""Where the passphrase of key files may come from, other than a person: never from an argument."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bakehouse.errors import SettingError, SignerError
from bakehouse.tezos.private_file import read_credential, read_descriptor, read_private

#: The name under which systemd hands it over (LoadCredential=, LoadCredentialEncrypted=).
CREDENTIAL: Final = "bakehouse-passphrase"


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """A file, an open file descriptor, or the folder of systemd's credentials."""

    file: Path | None = None
    descriptor: int | None = None
    credentials: Path | None = None

    def __post_init__(self) -> None:
        if self.file is not None and self.descriptor is not None:
            raise SettingError(
                "set BAKEHOUSE_KEY_PASSPHRASE_FILE or BAKEHOUSE_KEY_PASSPHRASE_FD, not both"
            )

    @property
    def is_named(self) -> bool:
        """Whether there is a place to read it from."""
        return bool(self.file or self.descriptor is not None or self._credential)

    def read(self) -> str | None:
        """Give the passphrase, or None when nothing names one; raises SignerError.

        What is named comes before the credential. A descriptor can be read once.
        """
        passphrase = self._read()
        if passphrase == "":
            raise SignerError("the passphrase of the key files is empty where it is read from")
        return passphrase

    def _read(self) -> str | None:
        if self.file is not None:
            return read_private(self.file)
        if self.descriptor is not None:
            return read_descriptor(self.descriptor)
        return read_credential(self._credential) if self._credential else None

    @property
    def _credential(self) -> Path | None:
        path = self.credentials / CREDENTIAL if self.credentials is not None else None
        return path if path is not None and path.exists() else None
