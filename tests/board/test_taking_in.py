"""How the front-end files get into a build, and what a person is told when they cannot."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture
def script() -> ModuleType:
    """The script itself: it is no part of the package, so that it can build it."""
    spec = importlib.util.spec_from_file_location("take_in", ROOT / "frontend" / "take_in.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_files_in_use_are_those_that_are_pinned(script: ModuleType) -> None:
    assert script.take_in(ROOT / "src" / "bakehouse" / "web") is False


def test_without_npm_a_person_is_told_what_to_install(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(script.FrontendError, match="npm is missing: install Node"):
        script.take_in(tmp_path / "web")


def test_without_a_registry_a_person_is_told_in_one_sentence(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "empty"))
    web = tmp_path / "web"
    (web / "static" / "vendor").mkdir(parents=True)
    (web / "static" / "vendor" / "htmx.min.js").write_text("of before")

    with pytest.raises(script.FrontendError, match="is its registry reachable") as raised:
        script.take_in(web)

    assert "\n" not in str(raised.value)
    assert (web / "static" / "vendor" / "htmx.min.js").read_text() == "of before"


def test_whoever_runs_the_script_is_told_and_sees_no_traceback(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(script, "FRONTEND", ROOT / "frontend")
    monkeypatch.setattr(script, "STAMP", "no-stamp-yet")

    with pytest.raises(SystemExit, match="npm is missing"):
        script.main()
