"""The Dockerfile: what is pinned in it, as whom it runs, and that its health check tells."""

import ast
import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.deploy.deployed import (
    ROOT,
    assert_are_settings,
    assert_is_a_command,
    assert_stays_what_it_is,
)

TEXT = (ROOT / "Dockerfile").read_text()
_JOINED = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE))
INSTRUCTIONS = [
    (line.split(maxsplit=1)[0], line.split(maxsplit=1)[1])
    for line in _JOINED.splitlines()
    if line.strip()
]


def of(kind: str) -> list[str]:
    return [text for name, text in INSTRUCTIONS if name == kind]


def last_stage() -> list[tuple[str, str]]:
    begins = max(index for index, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
    return INSTRUCTIONS[begins:]


def test_it_is_built_in_one_stage_and_runs_in_another_of_the_same_python() -> None:
    first, last = of("FROM")

    assert first == f"{last} AS build"
    assert_stays_what_it_is(last)


def test_whatever_is_installed_is_pinned_by_hashes_or_is_our_own_wheel() -> None:
    installs = re.findall(r"pip (install|wheel) ([^&]+)", " && ".join(of("RUN")))

    assert len(installs) == 4
    for verb, options in installs:
        locked = "--require-hashes" in options and re.search(r"requirements/\w+\.lock", options)
        ours = "--no-deps" in options and ("--no-index" in options or verb == "wheel")
        assert locked or ours, options
    [wheel] = [options for verb, options in installs if verb == "wheel"]
    assert "--no-build-isolation" in wheel, "else the build would fetch what no lock names"


def test_the_lock_of_the_build_has_what_the_build_asks_for() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    [requires] = re.findall(r"^requires = (\[.*\])$", project, re.MULTILINE)
    [group] = re.findall(r"^build = (\[[^]]*\])$", project, re.MULTILINE)
    lock = (ROOT / "requirements" / "build.lock").read_text()

    assert ast.literal_eval(requires) == ast.literal_eval(group)
    for requirement in ast.literal_eval(requires):
        assert re.search(rf"^{requirement.split('>=')[0]}==", lock, re.MULTILINE)


def test_it_runs_as_nobody_in_particular_and_can_write_to_its_data_only() -> None:
    stage = last_stage()
    [user] = [text for name, text in stage if name == "USER"]
    after = stage[stage.index(("USER", user)) :]

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert not [text for name, text in after if name in {"RUN", "COPY", "ADD"}]
    assert [text for name, text in stage if name == "VOLUME"] == ["/data"]
    [copied] = [text for name, text in stage if name == "COPY"]
    # As root, whose files the process cannot change.
    assert copied == "--from=build /opt/bakehouse /opt/bakehouse"


def test_it_starts_a_command_of_ours_with_settings_that_there_are() -> None:
    [entry], [command] = of("ENTRYPOINT"), of("CMD")
    environment = dict(re.findall(r"(\w+)=(\S+)", of("ENV")[-1]))

    assert json.loads(entry) == ["bakehouse"]
    assert_is_a_command(json.loads(command))
    assert_are_settings({name: environment[name] for name in environment if "BAKEHOUSE" in name})


def test_what_is_copied_in_is_let_in_and_nothing_else_is() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    sources = {
        word.split("/")[0]
        for text in of("COPY")
        if "--from" not in text
        for word in text.split()[:-1]
    }

    assert "*" in ignore
    assert sources == let_in
    assert all((ROOT / source).exists() for source in sources)


@contextmanager
def answering(status: int) -> Iterator[tuple[int, list[str]]]:
    """Answer every request with a status; gives the port, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def check_health() -> Callable[[dict[str, str]], int]:
    [text] = of("HEALTHCHECK")
    command = json.loads(text.partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]

    def check(environment: dict[str, str]) -> int:
        arguments = [sys.executable, "-I", "-S", *command[1:]]
        done = subprocess.run(arguments, env=environment, check=False, capture_output=True)  # noqa: S603 - ours
        return done.returncode

    return check


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
@pytest.mark.parametrize("variable", ["BAKEHOUSE_PORT", "BAKEHOUSE_HEALTH_PORT"])
def test_the_health_check_asks_the_process_and_tells_what_it_heard(
    check_health: Callable[[dict[str, str]], int], variable: str, status: int, code: int
) -> None:
    with answering(status) as (port, asked):
        # A proxy is for the world outside.
        assert check_health({variable: str(port), "http_proxy": "http://127.0.0.1:1"}) == code
    assert asked == ["/health/live"]


def test_a_process_that_does_not_answer_is_not_healthy(
    check_health: Callable[[dict[str, str]], int],
) -> None:
    assert check_health({"BAKEHOUSE_PORT": "1"}) == 1
