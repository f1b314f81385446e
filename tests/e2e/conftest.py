"""Fixtures of the tests that run Bakehouse as its user does."""

from pathlib import Path

import pytest

from tests.e2e.command_line import Commands


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give whole processes the time they need where other tests run beside them."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "data")
