"""What every test may ask for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def chain_fixtures() -> Path:
    """Folder of recorded chain data; a test that needs it fails clearly where it is absent."""
    beside_checkout = Path(__file__).resolve().parents[2] / "shared" / "fixtures"
    folder = Path(os.environ.get("BAKEHOUSE_FIXTURES", beside_checkout))
    if not folder.is_dir():
        pytest.fail(f"no recorded chain data at {folder}: set BAKEHOUSE_FIXTURES to its folder")
    return folder
