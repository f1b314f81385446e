"""What a PostgreSQL server says of itself, for whoever looks after it. Nothing is changed."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

#: The oldest major version that the tests run on.
OLDEST_TESTED: Final = 15
#: The server's number of a version is its major, times this, and the minor.
_MAJOR: Final = 10_000


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Which server it is, and whether what it said is stored stays so."""

    version: str
    major: int
    #: Whether a commit is on disk, whole, before it is answered.
    survives_power_cut: bool


async def server_facts(tx: AsyncConnection) -> ServerFacts | None:
    """Ask the server behind a ledger; None for a ledger in a file."""
    if tx.dialect.name != "postgresql":
        return None
    names = ("server_version", "server_version_num", "fsync", "full_page_writes")
    asked = ", ".join(f"current_setting('{name}')" for name in names)
    version, number, *durable = tuple((await tx.exec_driver_sql(f"SELECT {asked}")).one())
    return ServerFacts(
        version=str(version).partition(" ")[0],
        major=int(number) // _MAJOR,
        survives_power_cut=all(each == "on" for each in durable),
    )
