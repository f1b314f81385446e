"""Becomes the embedded Valkey: a program of its own, run by path, that imports nothing of ours.

    python -I -S valkey_launcher.py OWNER_PID PID_FILE VALKEY_SERVER [ARGUMENT…]

It stands between our process and the server because what it does must happen in the child, and a
process with threads may not run Python between fork and exec.
"""

import ctypes
import fcntl
import os
import signal
import sys

#: From `linux/prctl.h`.
PR_SET_PDEATHSIG = 1

EXIT_OWNER_GONE = 70
EXIT_DIRECTORY_BUSY = 75


def main() -> None:
    """Tie this process to its owner and its directory, then turn into the server."""
    owner_pid, pid_file, *command = sys.argv[1:]
    if sys.platform == "linux":
        # The server stops as its owner does, even when that is killed with -9. Elsewhere the next
        # owner stops it. The tie outlives exec.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(owner_pid):
        sys.exit(EXIT_OWNER_GONE)
    _lock_for_life(pid_file)
    os.execv(command[0], command)  # noqa: S606 - the very point; no shell is wanted


def _lock_for_life(pid_file: str) -> None:
    # Two servers on one append-only directory would ruin it. The lock goes with the open file into
    # the server and ends only with it, so no orphan can be overlooked.
    descriptor = os.open(pid_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(EXIT_DIRECTORY_BUSY)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - positional only


if __name__ == "__main__":
    main()
