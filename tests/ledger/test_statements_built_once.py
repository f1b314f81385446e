"""Statements that are built once ask with values of their columns' types, as if built anew."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest
from sqlalchemy import Delete, Select, Update
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import NullType

import bakehouse.ledger

Statement = Select[tuple[object, ...]] | Update | Delete


def statements() -> Iterator[tuple[str, Statement]]:
    for found in pkgutil.iter_modules(bakehouse.ledger.__path__):
        module = import_module(f"bakehouse.ledger.{found.name}")
        for name, value in vars(module).items():
            if isinstance(value, Select | Update | Delete):
                yield f"{found.name}.{name}", value


BUILT_ONCE = dict(statements())


@pytest.mark.parametrize("statement", BUILT_ONCE.values(), ids=BUILT_ONCE)
def test_every_value_has_a_type(statement: Statement) -> None:
    untyped = [
        part.key
        for part in iterate(statement)
        if isinstance(part, BindParameter) and isinstance(part.type, NullType)
    ]
    assert untyped == []


def test_there_are_such_statements() -> None:
    assert "distributions._OF_KEY" in BUILT_ONCE
