"""The command line: reads arguments, calls the rooms below, prints. No business rules here."""

from bakehouse.cli.application import main

__all__ = ["main"]
