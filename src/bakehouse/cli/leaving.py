"""`bakehouse export everything`: all that the ledger has of a baker, into a new folder."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer

from bakehouse.cli.ledger_access import BakerArgument, with_ledger
from bakehouse.cli.new_file import make_folder, opened
from bakehouse.cli.output import waiting
from bakehouse.config import load_config
from bakehouse.desk.leaving import leaving_files
from bakehouse.ledger.database import Ledger
from bakehouse.tezos.address import parse_implicit


def everything(
    baker: BakerArgument,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="A folder that is not there yet.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Tables as JSON, one object a line, instead of CSV.")
    ] = False,
) -> None:
    """Write all that the ledger has of a baker into a new folder: the way out."""
    baker_id = parse_implicit(baker)

    async def work(ledger: Ledger) -> dict[str, dict[str, int | str]]:
        contents: dict[str, dict[str, int | str]] = {}
        network = load_config().chain_id
        async with aclosing(leaving_files(ledger, baker_id, network, as_json=as_json)) as several:
            async for name, lines in several:
                if not contents:
                    make_folder(output)
                contents[name] = await _write_lines(output / name, lines)
        return contents

    with waiting(f"writing {output}"):
        contents = with_ledger(work)
    with opened(output / "contents.json") as file:
        file.write(json.dumps(contents, indent=2) + "\n")
    typer.echo(f"{len(contents)} files are in {output}; contents.json lists them")


async def _write_lines(path: Path, lines: AsyncIterator[str]) -> dict[str, int | str]:
    """Write a file, and tell how many lines it has, and its digest."""
    count, digest = 0, hashlib.sha256()
    with opened(path) as file:
        async for line in lines:
            file.write(line)
            digest.update(line.encode())
            count += line.count("\n")
    return {"lines": count, "sha256": digest.hexdigest()}
