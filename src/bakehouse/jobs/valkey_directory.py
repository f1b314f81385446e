"""The private directory of the embedded Valkey: its files, and who may use them. Starts nothing."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from bakehouse.errors import ConflictError, SettingError

#: Longest path of a Unix socket on every system we run on (macOS; Linux allows four bytes more).
SOCKET_PATH_BYTES_MAX: Final = 103

LOG_BYTES_MAX: Final = 5_000_000


class ValkeyDirectory:
    """One directory, used by one owner and one server at a time.

    Both hold a lock on a file in it for as long as they live, the server on its pidfile; the
    system gives a lock back when its holder dies, however it dies.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.pid_file = self.path / "valkey.pid"
        self.log_file = self.path / "valkey.log"
        self._owner_file = self.path / "owner.lock"
        self._owner_descriptor: int | None = None
        self._short_directory: Path | None = None

    def claim(self) -> None:
        """Make the directory, readable by us alone, and become its owner.

        Raises ConflictError if it has one, SettingError if it cannot be used.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            descriptor = os.open(self._owner_file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SettingError(f"{self.path} cannot hold our data: {error.strerror}.") from error
        if not _lock(descriptor):
            os.close(descriptor)
            raise ConflictError(
                f"Process {_read_pid(self._owner_file)} already uses {self.path}: "
                "stop it, or choose another data directory."
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._owner_descriptor = descriptor

    def release(self) -> None:
        """Stop being the owner."""
        if self._owner_descriptor is not None:
            os.ftruncate(self._owner_descriptor, 0)
            fcntl.flock(self._owner_descriptor, fcntl.LOCK_UN)
            os.close(self._owner_descriptor)
            self._owner_descriptor = None
        if self._short_directory is not None:
            shutil.rmtree(self._short_directory, ignore_errors=True)
            self._short_directory = None

    def server_pid(self) -> int | None:
        """Process of the server that lives on this directory, or None if there is none."""
        descriptor = os.open(self.pid_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _lock(descriptor):
                return _read_pid(self.pid_file)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            return None
        finally:
            os.close(descriptor)

    def choose_socket(self) -> Path:
        """Path for the server's socket: in the directory, or in a private short one if too long."""
        socket = self.path / "valkey.sock"
        if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES_MAX:
            return socket
        if self._short_directory is None:
            self._short_directory = Path(tempfile.mkdtemp(prefix="bakehouse-"))
        return self._short_directory / "valkey.sock"

    def prepare_log(self) -> None:
        """Set a log that has grown large aside, dropping the one set aside before."""
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_BYTES_MAX:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        self.log_file.touch(mode=0o600)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_pid(file: Path) -> int | None:
    text = file.read_text(encoding="ascii").strip()
    return int(text) if text.isdigit() else None
