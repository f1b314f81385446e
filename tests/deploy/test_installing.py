"""The wheel: it is whole, and what is installed from it is a Bakehouse that can say how it is."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bakehouse import __version__
from tests.deploy.deployed import ROOT
from tests.fault_scale import FAULT_SCALE

#: The build may have to take the front-end files in.
_WITH_NPM = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

LOCK = ROOT / "requirements" / "runtime.lock"


@dataclass(frozen=True, slots=True)
class Installed:
    """A Bakehouse in a virtual environment of its own, far from this checkout."""

    folder: Path

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        program = self.folder / "bin" / "bakehouse"
        return _run(program, *arguments, environment=settings, folder=self.folder)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    done = _run(*build, "--directory", folder, folder=ROOT, environment=_WITH_NPM)
    assert done.returncode == 0, done.stderr
    [built] = folder.glob("bakehouse-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in a new environment.

    What it depends on is taken from the one that runs the tests, as the lock has it; in a larger
    size of the tests it is installed anew, by the hashes of the lock.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
    pip += ["--quiet", "--disable-pip-version-check", "--no-compile"]
    if FAULT_SCALE > 1:
        done = _run(*pip, "--require-hashes", "--requirement", LOCK)
        assert done.returncode == 0, done.stderr
    else:
        site = sysconfig.get_path("purelib", vars={"base": str(folder)})
        Path(site, "of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    done = _run(*pip, "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stderr
    return Installed(folder)


def test_the_wheel_brings_the_pages_the_queue_board_and_the_migrations(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"bakehouse-{__version__}.dist-info/METADATA").decode()

    versions = (ROOT / "src" / "bakehouse" / "ledger" / "migrations" / "versions").glob("v*.py")
    assert {f"bakehouse/ledger/migrations/versions/{path.name}" for path in versions} <= names
    assert {
        "bakehouse/web/board/dist/index.ejs",
        "bakehouse/web/static/vendor/htmx.min.js",
        f"bakehouse-{__version__}.dist-info/licenses/THIRD-PARTY.md",
    } <= names
    templates = (ROOT / "src" / "bakehouse" / "web" / "templates").glob("*.html")
    assert {f"bakehouse/web/templates/{path.name}" for path in templates} <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]
    assert f"Version: {__version__}" in metadata


def test_what_is_installed_is_the_wheel_and_tells_its_version(installed: Installed) -> None:
    assert installed.run("--version").stdout == f"bakehouse {__version__}\n"
    where = _run(
        *(installed.folder / "bin" / "python", "-c", "import bakehouse; print(bakehouse.__file__)"),
        folder=installed.folder,
    )
    assert Path(where.stdout.strip()).is_relative_to(installed.folder)


def test_its_doctor_looks_at_the_machine_and_says_what_is_to_be_set(
    installed: Installed, tmp_path: Path
) -> None:
    data = tmp_path / "data"

    done = installed.run("doctor", "--json", BAKEHOUSE_DATA_DIR=str(data))

    findings: dict[str, Any] = {
        each["subject"]: each for each in json.loads(done.stdout)["findings"]
    }
    assert done.returncode == 1
    assert findings["version"]["seen"].startswith(f"Bakehouse {__version__}, Python 3.")
    assert findings["ledger"]["verdict"] == findings["queue"]["verdict"] == "ok"
    assert findings["nodes"]["advice"] == "set BAKEHOUSE_NODE_URLS"
    assert (data / "ledger.db").exists()


def _run(
    *command: str | Path, folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(  # noqa: S603 - our own programs
        list(map(str, command)),
        cwd=folder,
        env={**inherited, **(environment or {})},
        check=False,
        capture_output=True,
        text=True,
    )
