"""What commands have in common when they print: JSON for programs, signs of life for people."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def print_json(document: Any) -> None:
    """Print a document; amounts in it are strings of mutez."""
    typer.echo(json.dumps(document, indent=2))


def tell(text: str, document: Any, *, as_json: bool) -> None:
    """Say what was done: in words to a person, as a document to a program."""
    if as_json:
        print_json(document)
    else:
        typer.echo(text)


def paying() -> Progress:
    """Show how far payments are, to a person at a terminal only. Use it as a context manager."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[waits]}"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show that something goes on which may take a while, to a person at a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield
