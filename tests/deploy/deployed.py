"""What files for deployment are held to: our commands and settings, images of one version."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from bakehouse.cli.application import COMMANDS, command_of
from bakehouse.config import Config, load_config, variable_of

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"

VARIABLES = {variable_of(field) for field in Config.model_fields}

#: A name of Docker Hub's, and a version of at least two numbers.
_IMAGE = re.compile(r"(?:[a-z0-9-]+/)?[a-z0-9-]+:v?\d+\.\d+(?:\.\d+)?[a-z0-9.-]*")
_OTHERS = re.compile(r"\$\{\w+:-([^}]*)\}")


def documents(file: Path) -> list[Any]:
    return list(yaml.safe_load_all(file.read_text()))


def assert_is_a_command(words: Iterable[str]) -> None:
    """Hold a call of ours against the command line: the command is there, with its options."""
    name, *rest = words
    assert name in COMMANDS
    parameters = command_of(name).params
    options = {option for each in parameters for option in (*each.opts, *each.secondary_opts)}
    for word in rest:
        if word.startswith("--"):
            assert word.partition("=")[0] in options, (name, word)


def assert_are_settings(environment: Mapping[str, str]) -> None:
    """Hold variables against the settings: each is one, and has a value that it can have."""
    assert environment.keys() <= VARIABLES
    # What a person is to fill in has its default, or nothing, for now.
    load_config({name: _OTHERS.sub(r"\1", value) for name, value in environment.items()})


def assert_stays_what_it_is(image: str) -> None:
    assert _IMAGE.fullmatch(image), image


def variables_in(file: Path) -> dict[str, str]:
    """Give the variables of a file of NAME=VALUE, also of lines that wait for their # to go."""
    lines = (line.removeprefix("#") for line in file.read_text().splitlines())
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", "\n".join(lines), re.MULTILINE))
