"""Fixtures of the tests that run Bakehouse as its user does."""

from pathlib import Path

import pytest

from tests.e2e.command_line import Commands


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "data")
