"""The documents against the program: what they name is there, and what is there they name."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from bakehouse.cli.application import COMMANDS, command_of
from bakehouse.config import Config, load_config, variable_of
from bakehouse.ledger.bakers import SETTINGS, Baker
from bakehouse.payments.baker_settings import parse_settings

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")]
}
SETTINGS_PAGE = DOCUMENTS["docs/settings.md"]

_CODE = re.compile(r"`([^`]+)`")
_FENCED = re.compile(r"```.*?```", re.DOTALL)
_CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?bakehouse (.+)$")
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def _table(title: str) -> dict[str, str]:
    """Names in the first column of the table under a heading, with the text of the second."""
    section = SETTINGS_PAGE.split(f"\n## {title}", 1)[1].split("\n## ", 1)[0]
    rows: dict[str, str] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        names = _CODE.findall(cells[0])
        defaults = cells[1].split(", ") if len(names) > 1 else [cells[1]]
        # One default may stand for all names of a row.
        defaults *= len(names) if len(defaults) == 1 else 1
        for name, default in zip(names, defaults, strict=True):
            assert name not in rows, f"{name} is documented twice"
            rows[name] = default
    return rows


VARIABLES = _table("The process")
BAKER_SETTINGS = _table("A baker")


def _written_out(defaults: dict[str, str]) -> list[tuple[str, str]]:
    """Those whose default stands there literally, in backticks."""
    return [
        (name, default.strip("`")) for name, default in defaults.items() if default.startswith("`")
    ]


def test_exactly_the_variables_there_are_are_documented() -> None:
    assert set(VARIABLES) == {variable_of(field) for field in Config.model_fields}


def test_exactly_the_settings_of_a_baker_are_documented() -> None:
    assert set(BAKER_SETTINGS) == set(SETTINGS)


@pytest.mark.parametrize(("variable", "default"), _written_out(VARIABLES))
def test_a_documented_default_of_a_variable_is_the_default(variable: str, default: str) -> None:
    assert load_config({variable: default}) == load_config({})


@pytest.mark.parametrize(("name", "default"), _written_out(BAKER_SETTINGS))
def test_a_documented_default_of_a_setting_is_the_default(name: str, default: str) -> None:
    [actual] = [field.default for field in fields(Baker) if field.name == name]

    assert parse_settings({name: default}) == {name: actual}


def _written() -> Iterator[tuple[str, str]]:
    """Every line of a console and every piece of code in a document, as (document, code)."""
    for document, text in DOCUMENTS.items():
        console = (line for block in _CONSOLE.findall(text) for line in block.splitlines())
        for code in (*_CODE.findall(_FENCED.sub("", text)), *console):
            yield document, " ".join(code.split("#")[0].split())


def _commands() -> Iterator[tuple[str, str]]:
    """Every call of our command in a document, as (document, arguments)."""
    for document, code in _written():
        if match := _COMMAND.match(code):
            yield document, match[1]


def test_documents_name_commands_at_all() -> None:
    named = {arguments.split()[0] for document, arguments in _commands() if document == "README.md"}
    assert {"demo", "plan", "init", "baker", "run"} <= named


CALLS = sorted(set(_commands()))


@pytest.mark.parametrize("document", sorted({document for document, _ in CALLS}))
def test_the_commands_in_a_document_exist_with_their_options(document: str) -> None:
    for named, arguments in CALLS:
        if named == document:
            _assert_exists(document, arguments)


def _assert_exists(document: str, arguments: str) -> None:
    name, *rest = arguments.split()
    if name.startswith("-"):
        return
    assert name in COMMANDS, f"{document} names {name}"
    command = command_of(name)
    if hasattr(command, "commands") and rest and rest[0] != "…":
        assert rest[0] in command.commands, f"{document} names {name} {rest[0]}"
        command = command.commands[rest[0]]
    options = {option for parameter in command.params for option in parameter.opts}
    options |= {option for parameter in command.params for option in parameter.secondary_opts}
    for word in rest:
        if word.startswith("--"):
            assert word in options, f"{document} names {name} {word}"


def _tests_of_ours() -> set[str]:
    return {
        name
        for path in (ROOT / "tests").glob("**/test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }


def test_each_test_that_a_document_names_exists() -> None:
    named = {
        (document, code)
        for document, code in _written()
        if re.fullmatch(r"test_\w+", code) and not (ROOT / "tests" / f"{code}.py").exists()
    }
    known = _tests_of_ours()

    assert len(named) > 50
    assert [each for each in sorted(named) if each[1] not in known] == []


def _make_verbs() -> Iterator[tuple[str, str]]:
    for document, code in _written():
        if match := re.match(r"^(?:\$ )?make ([a-z-]+)", code):
            yield document, match[1]


@pytest.mark.parametrize(("document", "verb"), sorted(set(_make_verbs())))
def test_a_verb_of_make_in_a_document_exists(document: str, verb: str) -> None:
    makefile = (ROOT / "Makefile").read_text()

    assert re.search(rf"^{verb}:", makefile, re.MULTILINE), f"{document} names make {verb}"


def _links() -> Iterator[tuple[str, str]]:
    for document, text in DOCUMENTS.items():
        for target in _LINK.findall(text):
            if "://" not in target:
                yield document, target


LINKS = sorted(set(_links()))


@pytest.mark.parametrize("document", sorted({document for document, _ in LINKS}))
def test_the_links_to_files_of_ours_lead_there(document: str) -> None:
    targets = [target for named, target in LINKS if named == document]

    assert [each for each in targets if not ((ROOT / document).parent / each).exists()] == []
