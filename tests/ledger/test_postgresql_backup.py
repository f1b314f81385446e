"""A ledger on PostgreSQL is copied and brought back by its own tools, as docs/backup.md says."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.ledger import audit, distributions
from bakehouse.ledger.database import Ledger
from tests.ledger.bakery import NOW, Bakery, key_of
from tests.ledger.contents import rows_of, schema_of
from tests.ledger.places import POSTGRESQL, Place
from tests.ledger.postgresql_server import PostgresqlServer, server_programs

pytestmark = [
    pytest.mark.usefixtures("kind"),
    pytest.mark.parametrize("kind", [POSTGRESQL], indirect=True),
]

_CASTS = re.compile(r"::(character varying|text)(\[\])?|[()]")

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "backup.md"


def documented(program: str) -> list[str]:
    """Give the options with which the document calls a program."""
    [line] = re.findall(rf"^\$ {program} (.+)$", DOCUMENT.read_text(), re.MULTILINE)
    options = [word for word in line.split() if word.startswith("--")]
    return [each for each in options if not each.startswith(("--file=", "--dbname="))]


@pytest.fixture
def empty(server: PostgresqlServer) -> Iterator[str]:
    name = server.new_name()
    server.create(name)
    yield server.url(name)
    server.drop(name)


def rules_of(url: str) -> list[str]:
    """Give the schema without what PostgreSQL adds when it reads its own words: casts, brackets."""
    return sorted(_CASTS.sub("", line) for line in schema_of(url))


async def test_a_dump_brings_back_every_row_and_every_rule(
    place: Place, bakery: Bakery, empty: str, tmp_path: Path
) -> None:
    async with bakery.ledger.write() as tx:
        await distributions.ensure(tx, key_of(), at=NOW)
    file = tmp_path / "ledger.dump"

    _run("pg_dump", *documented("pg_dump"), f"--file={file}", f"--dbname={place.url}")
    _run("pg_restore", *documented("pg_restore"), f"--dbname={empty}", str(file))

    assert rows_of(empty) == rows_of(place.url)
    assert rules_of(empty) == rules_of(place.url)
    restored = await Ledger.open(empty)
    async with restored.read() as tx:
        assert await audit.first_broken_link(tx) is None
    await restored.close()


def _run(program: str, *arguments: str) -> None:
    subprocess.run([server_programs() / program, *arguments], check=True, timeout=60)  # noqa: S603 - of the package
